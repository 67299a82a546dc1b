"""Everything but Kafka is destroyed under load, then Kafka too: what a backup brings back reconciles."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.e2e.replays import stack_with_models
from tests.integration.deploy.stacks import kill_supervisor, processes_of

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]

STORES = ("--only", "kafka", "--only", "valkey", "--only", "postgres")
RATE = 1000
# Of the load, before the backup and after it.
DECIDED = 4000
DONE_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    with stack_with_models(tmp_path_factory.mktemp("drill"), None, "--no-gateway", "--no-reconciler") as line:
        yield line


@pytest.fixture(scope="module")
def table(line: CommandLine) -> Path:
    path = line.home.parent / "table.parquet"
    line.ok("generate", "--customers", "1000", "--days", "40", "--out", str(path))
    return path


@contextmanager
def load(line: CommandLine, table: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A replay at a steady rate, that ends with its stores."""
    command = [str(PROGRAM), "replay", str(table), "--map", "generated", "--rate", str(RATE)]
    with (line.home.parent / "load.log").open("w") as log:
        replay = subprocess.Popen(command, env=line.environment, stdout=log, stderr=log)
        try:
            yield replay
        finally:
            replay.kill()
            replay.wait()


def decided(line: CommandLine) -> int:
    from deploy.jobs.connections import ledger_of

    with ledger_of(line.stack.settings) as ledger:
        return sum(ledger.all_progress().values())


def await_decided(line: CommandLine, more: int) -> None:
    begun = decided(line)
    until(lambda: decided(line) >= begun + more, within_s=DONE_WITHIN_S, every_s=0.2)


def backed_up_under_load(line: CommandLine, table: Path, *lost: str) -> tuple[str, float]:
    """The address of a backup after which more was decided; then everything is destroyed, and when that
    began."""
    with load(line, table) as replay:
        await_decided(line, DECIDED)
        backup = line.ok("backup", "--to", str(line.home.parent / "backups"), within_s=300).stdout.strip()
        await_decided(line, DECIDED)
        assert replay.poll() is None, "the load had ended before everything was destroyed"
        destroyed_at_s = time.monotonic()
        destroy(line, *lost)
    return backup, destroyed_at_s


def destroy(line: CommandLine, *lost: str) -> None:
    processes = processes_of(line.home)
    kill_supervisor(line.stack)
    for process in processes:
        if process.is_running():
            process.kill()
    psutil.wait_procs(processes, timeout=30)
    for name in ("postgres", "valkey", *lost):
        shutil.rmtree(line.home / "data" / name)
    shutil.rmtree(line.home / "models")


def reconciled(line: CommandLine) -> Any:
    """What is found once workers have read on to the end."""
    return until(lambda: _whole(line), within_s=DONE_WITHIN_S, every_s=1.0)


def _whole(line: CommandLine) -> Any:
    found = json.loads(line.run("reconcile", "--json", within_s=300).stdout or "{}")
    return found if found.get("reconciled_ratio") == 1.0 and not found["findings"] else None


def up(line: CommandLine) -> None:
    """Once the killed processes have let go of the folder."""
    until(lambda: line.run("up", *STORES, "--workers", "0", within_s=300).returncode == 0, within_s=300)


def restored(line: CommandLine, backup: str, *how: str) -> Any:
    up(line)
    found = line.json("restore", backup, *how, "--json", within_s=300)
    line.ok("up", *STORES, "--workers", "1", "--no-gateway", "--no-reconciler", within_s=300)
    return found


def recovery_time_s(line: CommandLine, found: Any, destroyed_at_s: float) -> float:
    """From the destruction to the first decision that the backup did not hold."""
    until(lambda: decisions(line) > found["rows"]["decisions"], within_s=DONE_WITHIN_S, every_s=0.1)
    return time.monotonic() - destroyed_at_s


def decisions(line: CommandLine) -> int:
    with psycopg.connect(line.stack.settings.database_url, connect_timeout=5) as connection:
        (count,) = connection.execute("SELECT count(*) FROM decisions").fetchone() or (0,)
    return int(count)


def test_with_kafka_there_it_reconciles_but_for_the_repeats(
    line: CommandLine, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup, destroyed_at_s = backed_up_under_load(line, table)
    found = restored(line, backup)
    took_s = recovery_time_s(line, found, destroyed_at_s)
    with capsys.disabled():
        of_it = f"{found['seconds']:.1f} s of it the restore of {found['rows']['decisions']:,} decisions"
        sys.stdout.write(f"\nrecovery time: {took_s:.1f} s, {of_it}\n")
    assert found["seconds"] < took_s
    assert found["put_back"] == ["ledger", "models"]
    assert found["read_again"]["transactions"] >= DECIDED
    outcome = reconciled(line)
    assert outcome["repeated_after_restore"]["alerts"] > 0
    assert decided(line) > found["rows"]["decisions"]


def test_with_kafka_lost_too_what_is_lost_is_told_and_what_is_sent_again_is_decided(
    line: CommandLine, table: Path
) -> None:
    backup, _ = backed_up_under_load(line, table, "kafka")
    up(line)
    refused = line.run("restore", backup)
    assert (refused.returncode, "--new-log" in refused.stderr) == (1, True)
    found = restored(line, backup, "--new-log")
    assert found["lost"]["seconds"] > 0
    # How much of each waited just then depends on the moment.
    assert found["lost"]["waiting_at_the_backup"].keys() <= {"transactions", "labels"}
    line.ok(
        "replay", str(table), "--map", "generated", "--from", "2018-04-01", "--to", "2018-04-05", within_s=300
    )
    outcome = reconciled(line)
    assert outcome["elsewhere"]["other_topics"] == found["rows"]["decisions"]
