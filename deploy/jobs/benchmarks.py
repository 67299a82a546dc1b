"""Benchmarks on a stack of their own, with models trained on the spot, that leave nothing behind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import psutil
import psycopg

from deploy.jobs.connections import rules_of
from deploy.jobs.local_models import install
from deploy.jobs.training import train_table
from deploy.origins import refuse_external_servers
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from deploy.stack.workers import STORES, passed_on
from load.bench.accounts import Accounts
from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import Throughput, measure_backlog, middle, warm_up
from load.bench.worker_process import WorkerProcess
from load.columns import Transactions, concatenated
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from load.producer import Pusher
from models.boosters import FAMILIES
from models.policy import flat_policy
from models.recipes import recipe_of
from streams.kafka import producer_config
from streams.ledger.rules import POLICY
from streams.settings import Settings

CUSTOMERS = 5000
PER_CUSTOMER_AND_DAY = 1.5  # at least
DAYS_OF_A_RUN = 30
WARM_DAYS = 30
TRAIN_DAYS = 7
CUT = "SELECT percentile_disc(%s) WITHIN GROUP (ORDER BY score) FROM decisions"
FLAGGED_SHARE = """
    SELECT avg((decision <> 'approve')::int)
    FROM (SELECT decision FROM decisions ORDER BY event_time DESC LIMIT %s) AS newest
"""


@dataclass(frozen=True)
class Rig:
    """A warm worker on a stack of its own. measured: transactions that follow those it has seen."""

    stack: Stack
    settings: Settings
    worker: WorkerProcess
    watch: ProgressWatch
    pusher: Pusher
    measured: Transactions

    @property
    def stores(self) -> Accounts:
        return Accounts({name: partial(_process_of, self.stack, name) for name in STORES})

    @property
    def accounts(self) -> Accounts:
        """The worker's, and those of the stores."""
        return Accounts({"worker": self.worker.process, **self.stores.processes})


def days_of(transactions: int) -> int:
    """In so many days the customers of a rig make at least these."""
    return ceil(transactions / CUSTOMERS / PER_CUSTOMER_AND_DAY)


def _process_of(stack: Stack, part: str) -> psutil.Process:
    return psutil.Process(stack.pid(part))


@contextmanager
def rig(days: int, report: Report, warm_days: int = WARM_DAYS) -> Iterator[Rig]:
    """A stack, models, and a worker whose histories hold `warm_days`. days: how many more are at hand."""
    refuse_external_servers("a benchmark")
    report.waiting("starting a stack")
    with temporary_stack() as stack:
        settings = stack.settings
        report.waiting("generating transactions")
        tables = list(simulate(SimulatorParameters(customers=CUSTOMERS), seed=1, days=warm_days + days))
        warm, measured = concatenated(tables[:warm_days]), concatenated(tables[warm_days:])
        last = START + timedelta(days=warm_days - 1)
        train_models(warm, last - timedelta(days=TRAIN_DAYS - 1), last, stack.home, report)
        worker = WorkerProcess(worker_environment(stack), stack.home / "worker.log")
        watch = ProgressWatch(settings.database_url, settings.transactions_topic)
        pusher = Pusher(producer_config(settings, "bench"), clock=time.monotonic, sleep=time.sleep)
        try:
            report.waiting(f"warming histories with {len(warm):,} transactions")
            warm_up(worker, watch, pusher, settings.transactions_topic, warm)
            yield Rig(stack, settings, worker, watch, pusher, measured)
        finally:
            worker.kill()
            watch.close()


def worker_environment(stack: Stack) -> dict[str, str]:
    """All that a worker is told, so that nothing of it depends on the shell of who asks for a figure."""
    home = {"FRAUDML_HOME": str(stack.home), "FRAUDML_METRICS_PORT": "0", "OMP_NUM_THREADS": "1"}
    return {**passed_on(stack.settings), **stack.env(), **home}


def train_models(table: Transactions, start: date, end: date, home: Path, report: Report) -> None:
    for family in FAMILIES:
        install(train_table(table, start, end, recipe_of(family), seed=1, report=report), home)


def bench_throughput(alert_share: float | None, runs: int, report: Report) -> dict[str, Any]:
    """Of several backlogs on one rig, the medians and the range of the rate.

    alert_share: a policy is put in force that flags about so many; None leaves the default one.
    """
    with rig(DAYS_OF_A_RUN * runs, report) as found:
        if alert_share is not None:
            flag(found.settings, alert_share)
        share = len(found.measured) // runs
        measured = []
        for run in range(runs):
            report.waiting(f"measuring {share:,} transactions ({run + 1} of {runs})")
            measured.append(backlog_of(found, found.measured[run * share : (run + 1) * share]))
        return {**middle(measured), "alert_share": _flagged_share(found.settings, share * runs)}


def backlog_of(found: Rig, table: Transactions) -> Throughput:
    topic = found.settings.transactions_topic
    return measure_backlog(found.worker, found.accounts, found.watch, found.pusher, topic, table)


def flag(settings: Settings, share: float) -> None:
    """Review what scores like the highest of the warm-up: about so many of all."""
    with psycopg.connect(settings.database_url) as connection:
        (review_at,) = connection.execute(CUT, [1 - share]).fetchone() or (1.0,)
    policy = flat_policy("bench", review_at, 1.0)
    with rules_of(settings) as rules:
        rules.keep(POLICY, policy)
        rules.activate(POLICY, policy.version, actor="bench", why="a benchmark")


def _flagged_share(settings: Settings, rows: int) -> float:
    with psycopg.connect(settings.database_url) as connection:
        (share,) = connection.execute(FLAGGED_SHARE, [rows]).fetchone() or (0.0,)
    return round(float(share), 4)
