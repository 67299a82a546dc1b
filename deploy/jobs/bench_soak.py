"""The soak: a steady rate for long on a stack of its own, reconciled at its end; then faults by seed."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

from deploy.jobs.benchmarks import CUSTOMERS, WARM_DAYS, Rig, days_of, rig
from deploy.jobs.chaos import chaos
from deploy.jobs.drill_load import Orders
from deploy.jobs.reconciling import reconcile_stores
from deploy.stack.home import GIBIBYTE, enough_room
from deploy.stack.report import Report
from load.bench.accounts import Use, own_use
from load.bench.census import Census
from load.bench.open_loop import CommitTimes, OpenLoop
from load.bench.prepared import prepare, prepared
from load.bench.progress_bell import ProgressBell
from load.bench.soak import Slot, Soak, slot_s_of
from load.bench.soak_verdict import GENERATOR, MINUTE_S, Seen, verdicts
from load.chaos.faults import FAULTS
from load.generator import simulate
from load.parameters import SimulatorParameters
from models.errors import FraudError
from streams.kafka import producer_config

# Of the log, the ledger with its write-ahead log, the view's file, and the records prepared.
BYTES_PER_TRANSACTION = 1200
# A drill of its own: what it counts out must fit into memory.
FAULT_RATE, FAULT_S = 300.0, 13.0


@dataclass(frozen=True)
class Plan:
    """faults: how many strike afterwards, in an order by seed; 0 for none, None for one of every kind."""

    minutes: float
    rate: float
    faults: int | None
    seed: int

    @property
    def seconds(self) -> float:
        return self.minutes * MINUTE_S

    @property
    def transactions(self) -> int:
        return ceil(self.seconds * self.rate)

    @property
    def strikes(self) -> int:
        return len(FAULTS) if self.faults is None else self.faults


def bench_soak(plan: Plan, report: Report) -> dict[str, Any]:
    """What was seen, and a verdict of each subject. What ends early tells what there is.

    Raises:
        StackError: the disk has no room for it.
    """
    enough_room(Path(tempfile.gettempdir()), int(2 * GIBIBYTE) + plan.transactions * BYTES_PER_TRANSACTION)
    document: dict[str, Any] = {"minutes_asked": plan.minutes, "reconcile": None, "faults": None}
    try:
        _calm(plan, document, report)
        for name, verdict in _judged(document).items():
            report.note(f"{name}: {verdict['says']}")
        if plan.strikes:
            document["faults"] = _faults(plan, report)
        ended_early = None
    except KeyboardInterrupt:
        ended_early = "interrupted"
    except FraudError as error:
        if "rate" not in document:
            raise
        ended_early = str(error)
    document["ended_early"] = ended_early
    return {**document, "verdicts": _judged(document)}


def _judged(document: Mapping[str, Any]) -> dict[str, Any]:
    if "rate" not in document:
        return {}
    found = verdicts(document)
    return {name: {"passed": passed, "says": line} for name, (passed, line) in found.items()}


def _calm(plan: Plan, document: dict[str, Any], report: Report) -> None:
    with rig(1, report) as found:
        settings = found.settings
        report.waiting(f"preparing {plan.transactions:,} transactions")
        path = found.stack.home / "soak.records"
        prepare(path, _tables(plan.transactions), plan.transactions)
        soak = Soak(plan.rate, slot_s_of(plan.seconds), lambda slot: None)
        census = Census(lambda: {**found.accounts.uses(), GENERATOR: own_use()}, soak.slot_s)
        soak.tell = lambda slot: _tell(soak, slot, census, report)
        try:
            report.note(f"{plan.rate:,.0f} tx/s for {plan.minutes:g} minutes")
            with census, _heard(found) as commits:
                loop = OpenLoop(producer_config(settings, "bench-soak"), settings.transactions_topic)
                soak.run(loop, commits, prepared(path), plan.seconds, found.worker.check)
        finally:
            document.update(Seen(soak, census.readings).document())
        path.unlink()
        report.waiting("reconciling")
        document["reconcile"] = reconcile_stores(settings, report)


@contextmanager
def _heard(found: Rig) -> Iterator[CommitTimes]:
    bell = ProgressBell(found.settings.database_url, found.settings.transactions_topic)
    commits = CommitTimes(bell)
    commits.start()
    try:
        yield commits
    finally:
        commits.stop()
        bell.close()


def _tables(transactions: int) -> Iterator[Any]:
    """The days after those that the histories were warmed with."""
    days = WARM_DAYS + days_of(transactions)
    return islice(simulate(SimulatorParameters(customers=CUSTOMERS), seed=1, days=days), WARM_DAYS, None)


def _tell(soak: Soak, slot: Slot, census: Census, report: Report) -> None:
    """A line once a minute."""
    ends_s = slot.due_s + soak.slot_s
    if int(ends_s // MINUTE_S) == int(slot.due_s // MINUTE_S):
        return
    uses: Mapping[str, Use] = census.readings[-1][1]
    memory = ", ".join(f"{name} {use.memory_mb:,.0f} MB" for name, use in uses.items())
    report.note(f"minute {int(ends_s // MINUTE_S)}: p99 {slot.p99_ms:,.1f} ms; {memory}")


def _faults(plan: Plan, report: Report) -> dict[str, Any]:
    """Row 38 of the fault catalogue: every kind of fault in random order by one seed, and a clean ledger."""
    orders = Orders(int(plan.strikes * FAULT_S * FAULT_RATE), plan.seed, plan.strikes, FAULT_RATE)
    report.note(f"{plan.strikes} faults by seed {plan.seed}, at {FAULT_RATE:,.0f} tx/s")
    verdict = chaos(orders, report, report.note)
    return {"seed": plan.seed, "clean": verdict.clean, **verdict.document()}
