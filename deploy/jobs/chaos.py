"""A chaos drill on a stack of its own: put together, run, and counted out."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from random import Random
from typing import Any

import numpy as np

from deploy.jobs.connections import applied_of, log_of, rules_of, scan_of, view_of
from deploy.jobs.drill_load import ASKED_PER_S, Load, Orders, load_of
from deploy.jobs.gateways import front_door
from deploy.jobs.promotable import flipped, register_promotable, truncated
from deploy.jobs.proxied import behind_proxies
from deploy.jobs.reconciling import books_of, reconcile_stores
from deploy.origins import refuse_external_servers
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from deploy.stack.workers import STORES
from load.bench.worker_process import WorkerProcess
from load.chaos.arena import Arena
from load.chaos.callers import Question
from load.chaos.crew import Crew
from load.chaos.drill import Auditor, Drill, settled
from load.chaos.front_door import FrontDoor
from load.chaos.heard import ClientView
from load.chaos.obedience import Obedience
from load.chaos.plan import planned
from load.chaos.tally import Tally, tally
from load.columns import Transactions
from load.generator import START
from load.producer import Pusher
from load.replay import Disturbance, Replay
from load.shapes import Kind, Shape
from models.errors import Unavailable
from models.manifest import load_verified
from models.model_folder import ModelFolder
from streams.kafka import producer_config
from streams.settings import Settings

TRAIN_DAYS = 7
WORKERS = 2
ANY_TIME = 0.9
RECORDS_WITHIN_S = 240
DISTURBANCE = Disturbance(shuffle=100, duplicates=0.01)
# The replay outlives an outage of Kafka; what it has sent is never in doubt.
PATIENT_S = 100.0


@dataclass(frozen=True)
class Verdict:
    tally: Tally
    callers: ClientView
    faults: list[str]
    restarts: int
    reconciles: int
    findings: int
    complaints: list[str]

    @property
    def clean(self) -> bool:
        found = self.findings or self.complaints or self.callers.disagree
        return self.tally.clean and not found

    def document(self) -> dict[str, Any]:
        return {
            "transactions": self.tally.transactions,
            "faults": len(self.faults),
            "kinds": len(set(self.faults)),
            "lost": self.tally.lost,
            "doubled": self.tally.doubled,
            "features_differ": self.tally.features_differ,
            "disobedient": self.tally.disobedient,
            "disagree": self.tally.disagree,
            "callers": asdict(self.callers),
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
        load = load_of(orders)
        last = START + timedelta(days=TRAIN_DAYS - 1)
        damages = (flipped, truncated)
        versions = register_promotable(load.table, START, last, stack.settings, stack.home, damages, report)
        with behind_proxies(stack) as (environment, proxies), crew_of(stack, environment) as crew:
            counter = _Counter()
            due = counter.due if orders.mixed else steadily(ASKED_PER_S)
            report.waiting("starting gateways")
            with front_door(stack, environment, due, Random(orders.seed)) as door:
                pusher, total = _pusher(stack.settings), counter.total
                of_load = (load.streamed, load.questions, versions, total, time.sleep)
                arena = Arena(stack, stack.settings, crew, door, proxies, pusher, *of_load)
                return _drill(orders, stack, load, arena, counter, say)


def steadily(per_s: float) -> Callable[[], float]:
    """How many are due, from the first time that somebody wants to know."""
    began: list[float] = []

    def due() -> int:
        now = time.monotonic()
        began.extend([] if began else [now])
        return int((now - began[0]) * per_s)

    return due


@contextmanager
def crew_of(stack: Stack, environment: dict[str, str]) -> Iterator[Crew]:
    with closing(
        Crew(lambda slot: WorkerProcess(environment, stack.home / f"chaos-{slot}.log", slot=slot))
    ) as crew:
        crew.open(WORKERS)
        yield crew


def _drill(
    orders: Orders,
    stack: Stack,
    load: Load,
    arena: Arena,
    counter: "_Counter",
    say: Callable[[str], None],
) -> Verdict:
    settings, door = arena.settings, arena.door
    began = time.monotonic()
    drill = Drill(
        arena,
        planned(orders.seed, orders.faults, orders.only),
        Random(orders.seed),
        lambda: time.monotonic() - began,
        say,
        ANY_TIME if orders.mixed else 0.0,
    )
    auditor = Auditor(lambda: reconcile_stores(settings, Report()), say)
    with auditor.beside():
        with _calling(door, load.questions, to_the_end=orders.mixed):
            rate = len(load.streamed) / orders.seconds
            drill.run(orders.seconds, lambda: _replay(orders, rate, settings, load.streamed, counter))
            counter.over = True
        await_records(settings)
    drill.tell("everything is sent, answered and applied")
    settled(auditor.look, time.sleep, time.monotonic)
    found, view = _counted(stack, load, door)
    restarts = arena.crew.restarts + door.crew.restarts
    return Verdict(found, view, drill.done, restarts, auditor.runs, auditor.findings, arena.complaints)


def _counted(stack: Stack, load: Load, door: FrontDoor) -> tuple[Tally, ClientView]:
    """What the stores hold against what was sent, and against what callers were told."""
    settings, models = stack.settings, ModelFolder(stack.home / "models")
    with scan_of(settings) as scan, log_of(settings) as log, rules_of(settings) as rules:
        obedience = Obedience(rules.find, lambda name, version: load_verified(models.folder(name, version)))
        found, answers = tally(load.expected, scan, log, settings.alerts_topic, obedience)
    view = ClientView()
    for breach in view.breaches(door.callers.heard, answers):
        found.note(breach)
    return found, view


@contextmanager
def _calling(door: FrontDoor, questions: list[Question], *, to_the_end: bool) -> Iterator[None]:
    """Callers ask on a thread of their own meanwhile. to_the_end: waits until they have asked everything."""
    with ThreadPoolExecutor(1, "callers") as thread:
        asking = thread.submit(door.callers.run, questions)
        try:
            yield
        except BaseException:
            door.callers.stop()
            raise
        if not to_the_end:
            door.callers.stop()
        asking.result()


def await_records(settings: Settings) -> None:
    """Until every answer's record has been read.

    Raises:
        Unavailable: one does not come.
    """
    with books_of(settings) as books:
        for _ in range(RECORDS_WITHIN_S):
            waiting = books.unclaimed(datetime.now(UTC), 1)
            if not waiting.rows:
                return
            time.sleep(1.0)
    raise Unavailable("the records of answers do not come", why=f"{waiting.rows:,} wait: {waiting.first}")


class _Counter:
    """How many records the replay has produced, read from other threads. over: no more will come."""

    def __init__(self) -> None:
        self._total = 0
        self.over = False

    def add(self, some: int) -> None:
        self._total += some

    def total(self) -> int:
        return self._total

    def due(self) -> float:
        """How many questions: as many as records, so that both paths have the same ones at the same time."""
        return inf if self.over else self._total


def _pusher(settings: Settings) -> Pusher:
    patient = settings.model_copy(update={"kafka_timeout_s": PATIENT_S / 3})
    return Pusher(producer_config(patient, "chaos"), clock=time.monotonic, sleep=time.sleep)


def _replay(orders: Orders, rate: float, settings: Settings, table: Transactions, counter: _Counter) -> Any:
    with view_of(settings) as view:
        return Replay(
            pusher=_pusher(settings),
            applied=applied_of(settings, view),
            transactions_topic=settings.transactions_topic,
            labels_topic=settings.labels_topic,
            clock=time.monotonic,
            sleep=time.sleep,
            rng=np.random.default_rng(orders.seed),
            shape=Shape(Kind.STEADY, rate),
            disturbance=DISTURBANCE,
            progress=counter.add,
        ).run(table.days())
