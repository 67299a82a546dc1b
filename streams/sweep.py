"""A sweep of transactions on its way through a worker. The order of the steps is the design.

Decode, read histories, fold, score, ledger, view, alerts and offsets. A crash between any two of them, or a
retry after any failure, comes back here with the same records: what the ledger holds then stands.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from models.decision import DecidedTransaction
from streams.answered import NO_MARKS, Place, Signer
from streams.arrivals import Batch, DeadLetter, Sweep
from streams.codecs import TransactionCodec
from streams.deciding import Decider, Names, Rewrites
from streams.healing import ViewKeeper
from streams.metrics import Metrics
from streams.poison import PoisonGate
from streams.ports import DecisionRows, Duplicates, Ledger, Outbox, Settled
from streams.progress import Known, Progress
from streams.verdicts import additions_of, alerts_of, recall, step_of


class TransactionSweeps:
    """Decides sweeps of transactions, each record exactly once, however often it is delivered.

    signer: tells the gateway's answers from other people's; None where no gateway answers. now: the wall
    clock, for the age of what was decided. refused: told of the places of other people's answers, once the
    sweep is settled. known: of the progress, with other lanes of the same worker.
    """

    def __init__(
        self,
        *,
        codec: TransactionCodec,
        ledger: Ledger,
        keeper: ViewKeeper,
        outbox: Outbox,
        gate: PoisonGate,
        signer: Callable[[], Signer | None],
        decider: Decider,
        now: Callable[[], datetime],
        metrics: Metrics,
        refused: Callable[[str, Sequence[Place]], None] = lambda topic, places: None,
        known: Known | None = None,
    ) -> None:
        self._codec = codec
        self._ledger = ledger
        self._keeper = keeper
        self._outbox = outbox
        self._gate = gate
        self._signer = signer
        self._decider = decider
        self._now = now
        self._metrics = metrics
        self._refused = refused
        self._progress = Progress(ledger, known)

    def handle(self, sweep: Sweep) -> None:
        """Take a sweep from bytes to the outbox, and to committed offsets with it.

        Raises:
            Unavailable: a dependency failed; the same sweep may be handled again.
            Refused: the sweep is no longer ours.
            Halt: going on would break the promise.
        """
        try:
            self._handle(sweep)
        except Exception:
            self._progress.forget()
            raise

    def _handle(self, sweep: Sweep) -> None:
        progress = self._progress.of(sweep)
        settled = sweep.below(progress)
        alerts: list[DecidedTransaction] = []
        dead: list[DeadLetter] = []
        stops: Mapping[int, int] = {}
        if settled.any():
            self._keeper.read(sweep.topic_id, progress, {})
            recall(self._ledger, sweep.where(settled), progress, alerts, dead)
        if not settled.all():
            stops = self._decide(sweep.where(~settled) if settled.any() else sweep, progress, alerts, dead)
        taken = sweep.before(stops)
        if len(taken):
            self._outbox.publish(alerts, dead, taken.next_offsets(), sweep.group)
        self._metrics.dead(dead)
        self._gate.hold(sweep.topic, stops)

    def _decide(
        self,
        sweep: Sweep,
        progress: Mapping[int, int],
        alerts: list[DecidedTransaction],
        dead: list[DeadLetter],
    ) -> Mapping[int, int]:
        """New records: decide them, and let the ledger say which of them are really new.

        Where a flood of malformed ones begins a partition's records are left alone; answers those offsets.
        """
        with self._metrics.step("decode"):
            batch, malformed = self._codec.decode(sweep)
        stops = self._gate.stops(sweep, malformed)
        if stops:
            sweep = sweep.before(stops)
            batch, malformed = self._codec.decode(sweep)
        if len(sweep):
            self._settle(sweep, batch, progress, alerts, malformed)
        dead += malformed
        return stops

    def _settle(
        self,
        sweep: Sweep,
        batch: Batch,
        progress: Mapping[int, int],
        alerts: list[DecidedTransaction],
        malformed: list[DeadLetter],
    ) -> None:
        step = step_of(sweep, progress, malformed)
        signer = self._signer() if sweep.headers else None
        marks = signer.read(sweep, batch) if signer else NO_MARKS
        self._metrics.marked(marks)
        while True:
            repeats = batch.repeats()
            rows, rewrites = self._score(batch.without(repeats), sweep.topic_id, progress)
            with self._metrics.step("ledger"):
                outcome = self._ledger.settle_decisions(step, replace(rows, answered=marks.answers))
            self._metrics.answer_conflicts.inc(outcome.answer_conflicts)
            if isinstance(outcome, Settled):
                break
            self._count_duplicates(outcome)
            # A copy behind one that is another record's may still be the row's own.
            batch = batch.without(batch.rows_of(rows.batch, outcome.rows))
        self._progress.moved(sweep.topic_id, step.reached)
        if marks.refused:
            self._refused(sweep.topic, marks.refused)
        if rows.degraded_reason is None:
            with self._metrics.step("apply"):
                self._keeper.apply(step, additions_of(rows, outcome), rewrites)
        self._count_duplicates(Duplicates(repeats, batch.conflicts(repeats)))
        self._metrics.decided(rows, outcome.claimed, sweep, self._now())
        alerts += alerts_of(rows, outcome)

    def _count_duplicates(self, found: Duplicates) -> None:
        self._metrics.duplicates.labels("conflict").inc(len(found.conflicts))
        self._metrics.duplicates.labels("duplicate").inc(len(found.rows) - len(found.conflicts))

    def _score(
        self, batch: Batch, topic_id: str, progress: Mapping[int, int]
    ) -> tuple[DecisionRows, Rewrites]:
        names = Names(batch)
        with self._metrics.step("read"):
            stored = self._keeper.read(topic_id, progress, names.ids)
        return self._decider.decide(batch, names, stored)
