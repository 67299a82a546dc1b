"""A chaos drill on a stack of its own: put together, run, and counted out."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from deploy.jobs.benchmarks import worker_environment
from deploy.jobs.connections import applied_of, log_of, rules_of, scan_of, view_of
from deploy.jobs.promotable import flipped, register_promotable, truncated
from deploy.jobs.reconciling import reconcile_stores
from deploy.origins import refuse_external_servers
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from deploy.stack.workers import STORES
from load.bench.worker_process import WorkerProcess
from load.chaos.arena import Arena, Versions
from load.chaos.crew import Crew
from load.chaos.drill import Auditor, Drill, settled
from load.chaos.obedience import Obedience
from load.chaos.plan import planned
from load.chaos.proxy import FaultProxy
from load.chaos.tally import Tally, tally
from load.columns import Transactions, concatenated
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from load.producer import Pusher
from load.replay import Disturbance, Replay
from models.manifest import load_verified
from models.model_folder import ModelFolder
from streams.kafka import producer_config
from streams.settings import Settings

DAYS = 30
TRAIN_DAYS = 7
PER_CUSTOMER_AND_DAY = 1.8
WORKERS = 2
FAULT_S = 13.0  # about what a fault takes, with some rest after it
DISTURBANCE = Disturbance(shuffle=100, duplicates=0.01)
# The replay outlives an outage of Kafka; what it has sent is never in doubt.
PATIENT_S = 100.0


@dataclass(frozen=True)
class Orders:
    """What a drill is told. rate: transactions per second; None leaves each fault its time.

    only: names of faults; all when empty.
    """

    transactions: int
    seed: int
    faults: int
    rate: float | None = None
    only: tuple[str, ...] = ()

    @property
    def paced(self) -> float:
        return self.rate or self.transactions / (self.faults * FAULT_S)


@dataclass(frozen=True)
class Verdict:
    tally: Tally
    faults: list[str]
    restarts: int
    reconciles: int
    findings: int
    complaints: list[str]

    @property
    def clean(self) -> bool:
        return self.tally.clean and not self.findings and not self.complaints

    def document(self) -> dict[str, Any]:
        return {
            "transactions": self.tally.transactions,
            "faults": len(self.faults),
            "kinds": len(set(self.faults)),
            "lost": self.tally.lost,
            "doubled": self.tally.doubled,
            "features_differ": self.tally.features_differ,
            "disobedient": self.tally.disobedient,
            "alerts": self.tally.alerts,
            "restarts": self.restarts,
            "reconciles": self.reconciles,
            "findings": self.findings,
            "injected": self.faults,
            "complaints": self.complaints,
            "first": self.tally.first,
        }


def chaos(orders: Orders, report: Report, say: Callable[[str], None]) -> Verdict:
    """Run one drill.

    Raises:
        Misuse: the address of somebody's servers is set.
        Unavailable: the system did not come back.
    """
    refuse_external_servers("a drill")
    report.waiting("starting a stack")
    with temporary_stack((*STORES, "mlflow")) as stack:
        report.waiting("generating transactions and training models")
        table = _table(orders)
        last = START + timedelta(days=TRAIN_DAYS - 1)
        damages = (flipped, truncated)
        versions = register_promotable(table, START, last, stack.settings, stack.home, damages, report)
        with _crew_behind_proxies(stack) as (crew, proxies):
            return _drill(orders, stack, table, versions, crew, proxies, say)


def _table(orders: Orders) -> Transactions:
    customers = int(orders.transactions / DAYS / PER_CUSTOMER_AND_DAY) + 1
    days = simulate(SimulatorParameters(customers=customers), seed=orders.seed, days=2 * DAYS)
    found: list[Transactions] = []
    for day in days:
        found.append(day)
        if sum(map(len, found)) >= orders.transactions:
            break
    return concatenated(found)[: orders.transactions]


@contextmanager
def _crew_behind_proxies(stack: Stack) -> Iterator[tuple[Crew, dict[str, FaultProxy]]]:
    settings = stack.settings
    addresses = {
        "valkey": ("REDIS_URL", settings.redis_url),
        "postgres": ("DATABASE_URL", settings.database_url),
    }
    environment = worker_environment(stack)
    proxies: dict[str, FaultProxy] = {}
    with ExitStack() as cleanup:
        for part, (variable, url) in addresses.items():
            there = urlsplit(url)
            assert there.hostname is not None
            assert there.port is not None
            proxies[part] = FaultProxy(there.hostname, there.port)
            own_port = proxies[part].start()
            cleanup.callback(proxies[part].stop)
            environment[variable] = url.replace(f":{there.port}/", f":{own_port}/")
        crew = Crew(lambda slot: WorkerProcess(environment, stack.home / f"chaos-{slot}.log", slot))
        crew.open(WORKERS)
        cleanup.callback(crew.close)
        yield crew, proxies


def _drill(
    orders: Orders,
    stack: Stack,
    table: Transactions,
    versions: Versions,
    crew: Crew,
    proxies: dict[str, FaultProxy],
    say: Callable[[str], None],
) -> Verdict:
    settings = stack.settings
    counter = _Counter()
    pusher = _pusher(settings)
    arena = Arena(stack, settings, crew, proxies, pusher, table, versions, counter.total, time.sleep)
    began = time.monotonic()
    drill = Drill(
        arena,
        planned(orders.seed, orders.faults, orders.only),
        Random(orders.seed),
        lambda: time.monotonic() - began,
        say,
    )
    with Auditor(lambda: reconcile_stores(settings, Report()), say) as auditor:
        drill.run(orders.transactions / orders.paced, lambda: _replay(orders, settings, table, counter))
    drill.tell("everything is sent and applied")
    models = ModelFolder(stack.home / "models")
    settled(auditor.look, time.sleep)
    with scan_of(settings) as scan, log_of(settings) as log, rules_of(settings) as rules:
        obedience = Obedience(rules.find, lambda name, version: load_verified(models.folder(name, version)))
        found = tally(table, scan, log, settings.alerts_topic, obedience)
    return Verdict(found, drill.done, crew.restarts, auditor.runs, auditor.findings, arena.complaints)


class _Counter:
    """How many records the replay has produced, read from other threads."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, some: int) -> None:
        self._total += some

    def total(self) -> int:
        return self._total


def _pusher(settings: Settings) -> Pusher:
    patient = settings.model_copy(update={"kafka_timeout_s": PATIENT_S / 3})
    return Pusher(producer_config(patient, "chaos"), clock=time.monotonic, sleep=time.sleep)


def _replay(orders: Orders, settings: Settings, table: Transactions, counter: _Counter) -> Any:
    with view_of(settings) as view:
        return Replay(
            pusher=_pusher(settings),
            applied=applied_of(settings, view),
            transactions_topic=settings.transactions_topic,
            labels_topic=settings.labels_topic,
            clock=time.monotonic,
            sleep=time.sleep,
            rng=np.random.default_rng(orders.seed),
            rate=orders.paced,
            disturbance=DISTURBANCE,
            progress=counter.add,
        ).run(table.days())
