"""What `make demo` leaves behind, looked at as its users would."""

import json
import re
import signal
import subprocess
import uuid
from typing import Any

import httpx
import psutil
import pytest

from deploy.stack.waiting import until
from models.decision import alert_id_of
from streams.reconcile.outcome import CHECKS
from streams.settings import CHECKOUT
from tests.e2e.command_line import PROGRAM, CommandLine

pytestmark = pytest.mark.stack


def payment(**changed: object) -> dict[str, object]:
    return {
        "transaction_id": f"e2e-{uuid.uuid4()}",
        "customer_id": "demo-c1",
        "terminal_id": "demo-t1",
        "amount_minor": 1999,
        "currency": "EUR",
        "event_time": "2018-06-01T12:00:00Z",
    } | changed


def running_worker(fraudml: CommandLine) -> int | None:
    return next(part.pid for part in fraudml.stack.status() if part.part == "worker-0")


def test_the_demo_shows_decisions_alerts_frauds_speed_and_where_to_go_on(fraudml: CommandLine) -> None:
    shown = fraudml.demo_output
    for heading in ("First decisions", "First alerts", "Frauds", "Throughput", "Latency", "Gateway", "Next"):
        assert heading in shown
    caught, frauds = map(int, re.search(r"Frauds +(\d+) of (\d+) caught", shown).groups())  # type: ignore[union-attr]
    assert 0.4 * frauds < caught <= frauds


@pytest.mark.slow
def test_a_second_demo_sends_other_transactions_to_the_same_stack(fraudml: CommandLine) -> None:
    again = fraudml.ok("demo")
    assert "was up already" in again.stderr
    assert again.stdout.split("First alerts")[0] != fraudml.demo_output.split("First alerts")[0]


def test_the_line_that_asks_the_gateway_works_as_it_is_printed(fraudml: CommandLine) -> None:
    (line,) = [line for line in fraudml.demo_output.splitlines() if "| curl " in line]
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=20, check=True)
    answer = json.loads(done.stdout)
    assert (answer["transaction_id"], answer["path"]) == ("ask-1", "rest")
    assert fraudml.json("decisions", "get", "ask-1")["score"] == answer["score"]


def test_the_stacks_key_is_in_no_command_line_and_no_log(fraudml: CommandLine) -> None:
    key = (fraudml.home / "secrets" / "api-key").read_text()
    assert len(key) == 48
    assert not [
        process for process in psutil.process_iter(["cmdline"]) if key in str(process.info["cmdline"])
    ]
    logs = list((fraudml.home / "logs").glob("*.log"))
    assert any(log.stem == "gateway" for log in logs)
    assert not [log for log in logs if key in log.read_text(errors="replace")]
    assert key not in fraudml.demo_output


def test_the_key_of_the_demo_has_ended_with_it(fraudml: CommandLine) -> None:
    states = [each["state"] for each in fraudml.json("keys", "list", "--json") if each["owner"] == "demo"]
    assert states
    assert set(states) == {"revoked"}


def test_the_gateway_is_shown_with_its_address_and_readiness(fraudml: CommandLine) -> None:
    (gateway,) = [part for part in fraudml.json("status", "--json") if part["part"] == "gateway"]
    assert gateway["ready"] is True
    assert httpx.get(gateway["address"] + "/readyz", trust_env=False, timeout=5).is_success


def test_after_it_everything_agrees(fraudml: CommandLine) -> None:
    found = fraudml.json("reconcile", "--json")
    assert found["findings"] == 0
    assert found["reconciled_ratio"] == 1.0
    assert set(found["checks"]) == set(CHECKS)
    checked = {name: found["checks"][name]["checked"] for name in ("rows", "labels", "alerts", "histories")}
    assert not {name: count for name, count in checked.items() if count < 500}


def test_a_scored_transaction_has_the_decision_that_the_ledger_shows(fraudml: CommandLine) -> None:
    sent = payment()
    (scored,) = fraudml.ok("score", "-", stdin=json.dumps(sent)).stdout.splitlines()
    assert json.loads(scored) == fraudml.json("decisions", "get", str(sent["transaction_id"]))


def test_the_same_id_again_gets_the_decision_that_stands(fraudml: CommandLine) -> None:
    sent = payment()
    other = sent | {"amount_minor": 999_999}
    first = fraudml.ok("score", "-", stdin=json.dumps(sent)).stdout
    assert fraudml.ok("score", "-", stdin=json.dumps(other)).stdout == first


def test_a_decline_reaches_a_subscriber_once(fraudml: CommandLine) -> None:
    sent = payment(amount_minor=900_000)
    (scored,) = fraudml.ok("score", "-", stdin=json.dumps(sent)).stdout.splitlines()
    assert json.loads(scored)["decision"] != "approve"
    alerts = [json.loads(line) for line in fraudml.ok("alerts").stdout.splitlines()]
    ids = [alert["alert_id"] for alert in alerts if alert["transaction_id"] == sent["transaction_id"]]
    assert ids == [alert_id_of(str(sent["transaction_id"]))]


def test_bad_records_become_dead_letters_and_the_next_one_is_decided(fraudml: CommandLine) -> None:
    good = payment()
    lines = ["not json", json.dumps(payment(currency="USD")), json.dumps(good)]
    done = fraudml.run("score", "-", stdin="\n".join(lines))
    first, second, third = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 4
    assert (first["reason"], second["reason"]) == ("not_json", "currency")
    assert third["transaction_id"] == good["transaction_id"]


def test_a_worker_that_is_told_to_stop_ends_well_and_comes_back(fraudml: CommandLine) -> None:
    pid = fraudml.stack.pid("worker-0")
    process = psutil.Process(pid)
    process.send_signal(signal.SIGTERM)
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, within_s=20)
    until(lambda: running_worker(fraudml) not in (None, pid), within_s=30)
    fraudml.stack.wait_ready("worker-0")
    fraudml.ok("score", "-", stdin=json.dumps(payment()))


def test_the_metrics_bear_the_names_of_the_guide(fraudml: CommandLine) -> None:
    (url,) = [part.metrics_url for part in fraudml.stack.status() if part.is_worker]
    shown = httpx.get(url, trust_env=False, timeout=5).text
    for name in (
        "fraud_predictions_total{",
        "fraud_prediction_latency_seconds_bucket{",
        "fraud_degraded_mode",
    ):
        assert name in shown


def test_the_background_check_tells_what_it_has_proven(fraudml: CommandLine) -> None:
    (url,) = [part.metrics_url for part in fraudml.stack.status() if part.part == "reconciler"]
    ready = url.replace("/metrics", "/readyz")
    until(lambda: httpx.get(ready, trust_env=False, timeout=5).is_success, within_s=60, every_s=0.5)
    shown = httpx.get(url, trust_env=False, timeout=5).text
    assert float(re.search(r"^fraud_reconciled_ratio (.+)$", shown, re.MULTILINE).group(1)) > 0.9  # type: ignore[union-attr]
    counts = re.findall(r"^fraud_reconcile_findings_total{.*} (.+)$", shown, re.MULTILINE)
    assert [float(count) for count in counts] == [0.0] * len(CHECKS)


@pytest.mark.slow
def test_a_watch_that_is_told_to_stop_ends_well(fraudml: CommandLine) -> None:
    command = [str(PROGRAM), "reconcile", "--every", "1"]
    told: dict[str, Any] = {
        "env": fraudml.environment,
        "cwd": CHECKOUT,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    with subprocess.Popen(command, **told) as watch:
        assert watch.stderr is not None
        assert any('"reconciled"' in line and '"findings": 0' in line for line in watch.stderr)
        watch.terminate()
        watch.communicate(timeout=20)
    assert watch.returncode == 0


def test_faust_runs_the_worker_too(fraudml: CommandLine) -> None:
    own = {"FRAUDML_SLOT": "7", "FRAUDML_METRICS_PORT": "0"}
    command = [str(PROGRAM.with_name("faust")), "-A", "streams.worker", "worker", "--without-web"]
    environment = fraudml.environment | fraudml.stack.env() | own
    told: dict[str, Any] = {"env": environment, "cwd": CHECKOUT, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **told) as worker:
        assert worker.stderr is not None
        assert any("partitions_assigned" in line for line in worker.stderr)
        worker.terminate()
        worker.communicate(timeout=20)
    assert worker.returncode == 0
