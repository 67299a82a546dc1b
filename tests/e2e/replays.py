"""Replays through a worker that may be killed meanwhile, and the tables that they must equal."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import psutil
import pyarrow.parquet as pq

from deploy.jobs.local_models import install
from deploy.jobs.training import Trained, train_table
from deploy.stack.errors import NotRunning
from deploy.stack.report import Report
from load.bench.progress_watch import ProgressWatch
from load.columns import concatenated
from load.generator import simulate
from load.parameters import SimulatorParameters
from models.boosters import FAMILIES
from models.errors import Unavailable
from models.features import FEATURE_NAMES
from models.recipes import recipe_of
from tests.e2e.command_line import PROGRAM, CommandLine

CLOSE = 1e-6
SOON_S = 0.02
# What a replay does to the order of what it sends.
DISTURBED = ("--duplicates", "0.01", "--shuffle", "100")


@contextmanager
def stack_with_models(
    folder: Path, trained: Iterable[Trained] | None = None, *up: str
) -> Iterator[CommandLine]:
    """Kafka, Valkey, Postgres and one worker, with these models, or with some trained on the spot.

    up: more options of `fraudml up`.
    """
    line = CommandLine(folder / "home")
    install_models(line.home, trained)
    try:
        line.ok("up", "--only", "kafka", "--only", "valkey", "--only", "postgres", "--workers", "1", *up)
        yield line
    finally:
        line.ok("down", "--data")


def install_models(home: Path, trained: Iterable[Trained] | None = None) -> None:
    home.mkdir(parents=True)
    for each in trained or trained_on_the_spot():
        install(each, home)


def trained_on_the_spot() -> Iterator[Trained]:
    table = concatenated(list(simulate(SimulatorParameters(customers=500), seed=5, days=14)))
    days = (date(2018, 4, 8), date(2018, 4, 14))
    for family in FAMILIES:
        yield train_table(table, *days, recipe_of(family), seed=1, report=Report())


class Killer:
    """Ends the worker with SIGKILL each time the ledger has passed one of these numbers of transactions."""

    def __init__(self, line: CommandLine, at: Sequence[int]) -> None:
        self.killed: list[int] = []
        self._line = line
        self._at = at
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        settings = self._line.stack.settings
        watch = ProgressWatch(settings.database_url, settings.transactions_topic)
        try:
            for count in self._at:
                while watch.total() < count:
                    if self._stop.wait(SOON_S):
                        return
                psutil.Process(pid := self._running_worker()).kill()
                self.killed.append(pid)
        finally:
            watch.close()

    def _running_worker(self) -> int:
        while not self._stop.wait(SOON_S):
            try:
                pid = self._line.stack.pid("worker-0")
            except NotRunning:
                continue
            if pid not in self.killed:
                return pid
        raise Unavailable("the worker has not come back before the replay was over")


def replay(line: CommandLine, *arguments: str, within_s: float = 600) -> int:
    """Run a replay to its end, reconciling all the while; how often that found nothing."""
    found = 0
    command = [str(PROGRAM), "replay", *arguments, *DISTURBED]
    with subprocess.Popen(command, env=line.environment, stdout=sys.stderr) as process:
        try:
            while process.poll() is None:
                line.ok("reconcile", within_s=within_s)
                found += 1
            assert process.wait(within_s) == 0
        finally:
            process.kill()
    return found


def features_of(path: Path) -> tuple[Any, Any]:
    """Transaction ids in order, and the matrix of their features, from a file."""
    table = pq.read_table(path, columns=["transaction_id", *FEATURE_NAMES])
    ids = np.array(table["transaction_id"].to_pylist())
    order = np.argsort(ids)
    matrix = np.column_stack([table[name].to_numpy() for name in FEATURE_NAMES])
    return ids[order], matrix[order]


def differing(one: Any, other: Any) -> Any:
    """Which rows of two matrices differ by more than a millionth of the value."""
    far = ~np.isclose(one, other, rtol=CLOSE, atol=CLOSE)
    return np.flatnonzero(far.any(axis=1))
