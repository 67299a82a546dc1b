"""What `fraudml bench` prints: the machine beside the figures, and exit codes that mean something."""

import json
import os
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main
from deploy.jobs import bench_latency, bench_machine, bench_soak, benchmarks
from deploy.jobs.bench_machine import PACKAGES, cpu_model, hardware
from deploy.jobs.bench_soak import Plan
from deploy.jobs.chaos import Verdict
from deploy.jobs.drill_load import Orders
from deploy.stack.temporary import home_prefix
from load.bench.machine import notes
from load.bench.soak import Soak
from load.bench.soak_verdict import Seen
from load.chaos.heard import ClientView
from load.chaos.tally import Tally

WARNING = "this machine was busy: it swapped 2 MB; figures of a quiet one differ"
FIGURES: dict[str, Any] = {"tx_per_s": 31_234.6, "runs": 3}


def bench(*words: str) -> Result:
    return CliRunner().invoke(main.app, ["bench", *words])


@pytest.fixture(autouse=True)
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that swaps."""
    monkeypatch.setattr(bench_machine, "notes", lambda *values: {**notes(*values), "warning": WARNING})
    monkeypatch.setattr(benchmarks, "bench_throughput", lambda *_: FIGURES)


def test_figures_come_with_the_machine_and_a_line_that_says_it_was_busy() -> None:
    lines = bench("throughput").stdout.splitlines()
    assert lines[1].split() == ["tx_per_s", "31,234.6"]
    assert "xgboost" in lines[-2]
    assert lines[-1] == WARNING


def test_the_document_has_the_machine_under_its_name() -> None:
    document = json.loads(bench("throughput", "--json").stdout)
    assert document["tx_per_s"] == 31_234.6
    machine = document["machine"]
    assert machine["cores"] == psutil.cpu_count()
    assert machine["versions"].keys() == {"kafka", "librdkafka", *PACKAGES}
    assert machine["warning"] == WARNING


def test_what_the_system_says_of_its_processor_is_told() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Example CPU 3.0\n") == "Example CPU 3.0"
    assert hardware().cpu


def test_this_process_and_its_stacks_supervisor_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {
        1: ["python", "-m", "supervisor.supervisord", "-c", f"/tmp/{home_prefix()}x/conf"],
        2: ["python", "-m", "supervisor.supervisord", "-c", "/tmp/fraudml-home-0-x/conf"],
        3: ["java", f"@/tmp/{home_prefix()}x/kafka"],
    }

    class Named:
        def __init__(self, pid: int) -> None:
            self.pid = pid

        def cmdline(self) -> list[str]:
            return words[self.pid]

    monkeypatch.setattr(psutil, "Process", Named)
    assert bench_machine._ours(os.getpid())
    assert [bench_machine._ours(pid) for pid in words] == [True, False, False]


# Latency.


@pytest.mark.parametrize("text", ["", "1000,", "fast", "0", "nan", "1000;4000"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    result = bench("latency", "--rate", text)
    assert result.exit_code == 2
    assert "is no rate from 1 on" in result.stderr


def test_each_rate_has_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def found(rates: list[float], seconds: float, runs: int, linger_ms: float, *more: Any) -> dict[str, Any]:
        asked.append((rates, linger_ms))
        return {"rates": [{"rate": rate, "p99_ms": None, "hdr_histogram_us": "HISTF"} for rate in rates]}

    monkeypatch.setattr(bench_latency, "bench_latency", found)
    lines = bench("latency", "--rate", "1000,4000", "--linger-ms", "5").stdout.splitlines()
    assert asked == [([1000.0, 4000.0], 5)]
    heads, p99 = (line.split() for line in lines[:2])
    assert (heads, p99) == (["FIGURE", "1,000", "TX/S", "4,000", "TX/S"], ["p99_ms", "–", "–"])


# Soak.


def soak(passed: bool, ended_early: str | None = None) -> Callable[..., dict[str, Any]]:
    def found(plan: Plan, report: Any) -> dict[str, Any]:
        report.note(f"minute 1 of {plan.minutes:g}")
        verdicts = {"memory": {"passed": passed, "says": "not flat: worker" if not passed else "flat"}}
        return {"verdicts": verdicts, "ended_early": ended_early}

    return found


@pytest.mark.parametrize(
    ("passed", "ended_early", "code"), [(True, None, 0), (False, None, 4), (False, "interrupted", 130)]
)
def test_a_soak_that_is_not_flat_exits_with_4_and_an_interrupted_one_with_130(
    passed: bool, ended_early: str | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_soak, "bench_soak", soak(passed, ended_early))
    result = bench("soak", "--minutes", "1")
    assert result.exit_code == code
    assert result.stderr == "minute 1 of 1\n"
    assert result.stdout.splitlines()[1].split()[:2] == ["memory", "yes" if passed else "NO"]


def test_a_soak_tells_what_it_had_when_it_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def calm(plan: Plan, document: dict[str, Any], report: Any) -> None:
        document.update(Seen(Soak(plan.rate, 10.0, print), []).document())
        raise KeyboardInterrupt

    monkeypatch.setattr(bench_soak, "_calm", calm)
    result = bench("soak", "--minutes", "1", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 130
    assert (document["ended_early"], document["verdicts"]["run"]["passed"]) == ("interrupted", False)


@pytest.mark.parametrize(("lost", "code"), [(0, 0), (1, 4)])
def test_faults_strike_afterwards_by_the_seed_and_a_loss_is_no_success(
    lost: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[Orders] = []

    def struck(given: Orders, *_: object) -> Verdict:
        orders.append(given)
        return Verdict(Tally(7800, lost=lost), ClientView(), ["kill_kafka", "wipe_redis"], 1, 3, 0, [])

    def calm(plan: Plan, document: dict[str, Any], report: Any) -> None:
        level = {"per_hour": 0.0, "error_per_hour": 1.0, "mean": 300.0, "flat": True}
        document.update({"rate": plan.rate, "memory": {"worker": level}, "latency": level})
        document.update({"started_again": [], "reconcile": {"findings": 0}})

    monkeypatch.setattr(bench_soak, "_calm", calm)
    monkeypatch.setattr(bench_soak, "chaos", struck)
    result = bench("soak", "--minutes", "1", "--faults", "2", "--seed", "7", "--json")
    assert result.exit_code == code
    assert orders == [Orders(7800, seed=7, faults=2, rate=300.0)]
    verdict = json.loads(result.stdout)["verdicts"]["faults"]
    assert verdict["says"] == f"2 of 2 kinds by seed 7: {lost} lost, 0 doubled, 0 findings"
    assert "memory: flat: worker 300.0 MB" in result.stderr


def test_a_disk_without_room_for_a_soak_is_told_before_it_begins() -> None:
    result = bench("soak", "--minutes", "1440", "--rate", "1000000")
    assert result.exit_code == 1
    assert "GiB are free" in result.stderr
