"""Exit codes, one line for an error, and a help that is quick."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy import migrations
from deploy.cli import main, stack
from deploy.doctor import checkup
from deploy.doctor.findings import fail, ok
from deploy.jobs import reconciling
from deploy.stack.errors import StackError
from deploy.stack.parts import SERVICES
from deploy.stack.stack import Stack
from deploy.stack.status import PartStatus
from models.errors import BadSetting, KafkaUnavailable
from streams.reconcile.range import Range
from streams.reconcile.watch import Pace
from streams.settings import Settings

Run = Callable[..., Result]
RUNNING = PartStatus(
    "worker-0", "running", 7, "127.0.0.1:15006", 61.0, 2, "http://127.0.0.1:15006/metrics", ready=True
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    runner = CliRunner()
    return lambda *words: runner.invoke(main.app, list(words))


def raising(error: BaseException) -> Callable[..., None]:
    def up(*_: object, **__: object) -> None:
        raise error

    return up


def test_status_of_nothing_exits_with_3_and_says_what_to_do(run: Run) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "nothing runs. Next: fraudml up\n"


def test_status_is_data_on_stdout(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "status", lambda self, readiness: [RUNNING])
    result = run("status")
    assert result.exit_code == 0
    assert result.stdout.split() == [
        *("PART", "STATE", "PID", "ADDRESS", "READY", "UP", "RESTARTS", "METRICS"),
        *("worker-0", "running", "7", "127.0.0.1:15006", "yes", "1", "m", "1", "s", "2"),
        "http://127.0.0.1:15006/metrics",
    ]


def test_status_as_json_is_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "status", lambda self, readiness: [RUNNING])
    (part,) = json.loads(run("status", "--json").stdout)
    assert part["part"] == "worker-0"
    assert (part["restarts"], part["ready"]) == (2, True)


def test_down_on_nothing_says_so_and_is_fine(run: Run, tmp_path: Path) -> None:
    result = run("down")
    assert (result.exit_code, result.stderr) == (0, f"nothing runs in {tmp_path}\n")


def test_an_error_is_one_line_and_exits_with_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    error = StackError("it broke", why="a reason", next_step="fraudml doctor")
    monkeypatch.setattr(Stack, "up", raising(error))
    result = run("up")
    assert result.exit_code == 1
    assert result.stderr == "error: it broke. a reason. Next: fraudml doctor\n"


def test_a_store_that_cannot_be_reached_exits_with_3(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "up", raising(KafkaUnavailable("Kafka does not answer")))
    assert run("up").exit_code == 3


def test_interrupted_exits_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stack, "up", raising(KeyboardInterrupt()))
    assert run("up").exit_code == 130


def test_debug_shows_where_an_error_came_from(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    error = StackError("it broke")
    monkeypatch.setattr(Stack, "up", raising(error))
    assert run("--debug", "up").exception is error


@pytest.mark.parametrize("words", [("up", "--workers", "-1"), ("up", "--only", "redis"), ("nonsense",)])
def test_bad_usage_exits_with_2(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shape", "ramp"), "goes with --rate"),
        (("--rate", "5", "--period", "60"), "goes with --shape"),
        (("--rate", "5", "--shape", "steady", "--period", "60"), "goes with --shape"),
        (("--rate", "5", "--shape", "square"), "is not one of"),
        (("--rate", "5", "--shape", "ramp", "--period", "0"), "greater than or equal to 1"),
    ],
    ids=str,
)
def test_a_shape_that_cannot_be_exits_with_2_before_the_file_is_read(
    run: Run, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("no table")
    result = run("replay", str(table), "--map", "generated", *words)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", "").split())


def test_logs_of_an_unknown_part_exit_with_1(run: Run) -> None:
    result = run("logs", "kafka")
    assert result.exit_code == 1
    assert "there is no log of kafka" in result.stderr


def test_a_failed_check_exits_with_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [ok("python", "3.11.7"), fail("kafka", "does not answer", "fraudml up")]
    monkeypatch.setattr(checkup, "checkup", lambda settings: findings)
    result = run("doctor", "--json")
    assert result.exit_code == 4
    assert [found["level"] for found in json.loads(result.stdout)] == ["OK", "FAIL"]
    assert result.stderr == "1 failed: kafka\n"


CHECKED = {
    "findings": 1,
    "reconciled_ratio": 0.9999,
    "records": 10_000,
    "checks": {
        "rows": {"checked": 9000, "findings": 0, "first": []},
        "alerts": {"checked": 12, "findings": 1, "first": ["transaction tx-1 was flagged and has no alert"]},
    },
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Range]:
    """What the command asks to be reconciled; one alert is missing there."""
    ranges: list[Range] = []

    def reconcile_stores(settings: object, report: object, within: Range) -> dict[str, object]:
        ranges.append(within)
        return CHECKED

    monkeypatch.setattr(reconciling, "reconcile_stores", reconcile_stores)
    return ranges


def test_a_finding_exits_with_4_and_is_named_on_stderr(run: Run, asked: list[Range]) -> None:
    result = run("reconcile")
    assert result.exit_code == 4
    assert result.stdout.split("\n")[1:3] == ["rows    9,000      ok", "alerts  12         1 findings"]
    assert result.stderr == (
        "99.9900% of 10,000 records are proven\ntransaction tx-1 was flagged and has no alert\n"
    )
    assert asked == [Range()]


def test_findings_as_json_are_json(run: Run, asked: list[Range]) -> None:
    result = run("reconcile", "--json")
    assert json.loads(result.stdout) == CHECKED
    assert result.stderr == "transaction tx-1 was flagged and has no alert\n"


def test_a_range_without_a_zone_is_in_utc(run: Run, asked: list[Range]) -> None:
    run("reconcile", "--since", "2026-01-31", "--until", "2026-01-31T12:00:00+0100")
    noon = datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert asked == [Range(datetime(2026, 1, 31, tzinfo=UTC), noon)]


def test_a_watch_is_told_its_pace_and_where_to_begin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(reconciling, "watch_stores", lambda settings, *rest: told.append(rest))
    result = run("reconcile", "--every", "60", "--since", "2026-01-31")
    assert result.exit_code == 0
    assert told == [(Pace(60.0, 3600.0), datetime(2026, 1, 31, tzinfo=UTC))]


@pytest.mark.parametrize("more", [("--json",), ("--until", "2026-01-31")], ids=str)
def test_a_watch_has_no_end_and_prints_nothing(run: Run, more: tuple[str, ...]) -> None:
    assert run("reconcile", "--every", "60", *more).exit_code == 2


def test_config_shows_every_setting_and_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    result = run("config", "--json")
    shown = {setting["variable"]: setting for setting in json.loads(result.stdout)}
    assert shown["REDIS_URL"]["origin"] == "environment"
    assert "secret" not in result.output


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "doctor", "config", "reconcile", "tune"])
def test_every_help_has_examples(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.count(f"fraudml {command}") >= 2


def test_the_services_of_the_command_line_are_those_there_are() -> None:
    assert tuple(stack.Service) == SERVICES


def test_the_help_imports_nothing_heavy() -> None:
    heavy = {
        "pydantic",
        "confluent_kafka",
        "psycopg",
        "redis",
        "httpx",
        "numpy",
        "faust",
        "mlflow",
        "optuna",
        "alembic",
    }
    code = f"import sys, deploy.cli.main; print({heavy!r} & sys.modules.keys())"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert told.stdout == "set()\n"


@pytest.mark.parametrize(
    ("asked", "states", "wanted"),
    [
        (None, [], 1),
        (None, ["running"], None),
        (None, ["running", "running"], None),
        (None, ["unsupervised", "unsupervised"], 2),
        (None, ["stopped"], 1),
        (3, ["running"], 3),
        (0, ["running"], 0),
    ],
)
def test_up_runs_a_worker_unless_told_otherwise(
    asked: int | None, states: list[str], wanted: int | None
) -> None:
    found = [
        PartStatus(
            f"worker-{slot}", state, None if state == "stopped" else 9, "127.0.0.1:1", 1.0, 0, "http://"
        )
        for slot, state in enumerate(states)
    ]
    services = [
        PartStatus("kafka", "running", 8, "127.0.0.1:2", 1.0, 0),
        PartStatus("reconciler", "running", 8, "127.0.0.1:2", 1.0, 0, "http://"),
    ]
    assert stack.workers_to_run(asked, services + found) == wanted


@pytest.mark.parametrize(("words", "slot"), [((), "3"), (("--slot", "1"), "1")])
def test_a_worker_takes_the_slot_of_its_settings_unless_it_is_told_another(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], slot: str
) -> None:
    monkeypatch.setenv("FRAUDML_SLOT", "3")
    seen: list[str] = []
    monkeypatch.setattr("streams.run.run_worker", lambda: seen.append(os.environ["FRAUDML_SLOT"]))
    assert run("worker", *words).exit_code == 0
    assert seen == [slot]


@pytest.mark.parametrize("address", ["postgresql://u:hunter2@db:port/d", "host=db password=hunter2"])
def test_migrating_by_an_address_that_cannot_be_says_how_to_write_it(
    settings: Settings, address: str
) -> None:
    wrong = settings.model_copy(update={"database_url": address})
    with pytest.raises(BadSetting, match="no address of a Postgres database") as refused:
        migrations.upgrade(wrong)
    assert "hunter2" not in str(refused.value)
