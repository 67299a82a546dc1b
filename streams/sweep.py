"""A sweep of transactions on its way through a worker. The order of the steps is the design.

Decode, read histories, fold, score, ledger, view, alerts and offsets. A crash between any two of them, or a
retry after any failure, comes back here with the same records: what the ledger holds then stands.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.ab_test import Variant
from models.boosters import Matrix
from models.decision import DecidedTransaction
from models.features import ENTITIES, Entity
from models.fold import Entries, Folded, fold
from models.history import Ints, Retention, Timeline, compacted, overgrown, unpack
from models.policy import APPROVE
from models.reasons import Reason, reasons_of
from models.scorer import Scored, Scorer
from streams.arrivals import Batch, DeadLetter, Sweep
from streams.codecs import TransactionCodec
from streams.healing import ViewKeeper
from streams.metrics import Metrics
from streams.poison import PoisonGate
from streams.ports import DecisionRows, Duplicates, Ledger, Outbox, Scoring, Settled
from streams.progress import Progress
from streams.verdicts import additions_of, alerts_of, recall, step_of

# The reason of a decision that was made while the view was being rebuilt.
NO_HISTORY = "no_history"

Rewrites = dict[Entity, dict[str, tuple[bytes, bytes]]]


class TransactionSweeps:
    """Decides sweeps of transactions, each record exactly once, however often it is delivered.

    scorer: gives the models in force; read once per sweep, so that a change falls between two.
    now: the wall clock, for `decided_at` alone.
    """

    def __init__(
        self,
        *,
        codec: TransactionCodec,
        ledger: Ledger,
        keeper: ViewKeeper,
        outbox: Outbox,
        gate: PoisonGate,
        scorer: Callable[[], Scorer],
        retention: Retention,
        now: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._codec = codec
        self._ledger = ledger
        self._keeper = keeper
        self._outbox = outbox
        self._gate = gate
        self._scorer = scorer
        self._retention = retention
        self._now = now
        self._metrics = metrics
        self._progress = Progress(ledger)

    def handle(self, sweep: Sweep) -> None:
        """Take a sweep from bytes to committed offsets.

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
            with self._metrics.step("publish"):
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
        while True:
            repeats = batch.repeats()
            rows, rewrites = self._score(batch.without(repeats), sweep.topic_id, progress)
            with self._metrics.step("ledger"):
                outcome = self._ledger.settle_decisions(step, rows)
            if isinstance(outcome, Settled):
                break
            self._count_duplicates(outcome)
            # A copy behind one that is another record's may still be the row's own.
            batch = batch.without(batch.rows_of(rows.batch, outcome.rows))
        self._progress.moved(sweep.topic_id, step.reached)
        if rows.degraded_reason is None:
            with self._metrics.step("apply"):
                self._keeper.apply(step, additions_of(rows, outcome), rewrites)
        self._count_duplicates(Duplicates(repeats, batch.conflicts(repeats)))
        self._metrics.decided(rows, sweep, self._now())
        alerts += alerts_of(rows, outcome)

    def _count_duplicates(self, found: Duplicates) -> None:
        self._metrics.duplicates.labels("conflict").inc(len(found.conflicts))
        self._metrics.duplicates.labels("duplicate").inc(len(found.rows) - len(found.conflicts))

    def _score(
        self, batch: Batch, topic_id: str, progress: Mapping[int, int]
    ) -> tuple[DecisionRows, Rewrites]:
        ids, codes = _coded(batch)
        with self._metrics.step("read"):
            stored = self._keeper.read(topic_id, progress, ids)
        with self._metrics.step("fold"):
            histories = [raw for entity in ENTITIES for raw in (stored or _unknown(ids))[entity]]
            timeline = Timeline.of(unpack(histories), len(histories))
            folded = fold(Entries(codes, batch.time_s, batch.amount_minor), timeline, self._retention)
        with self._metrics.step("score"):
            rows = self._rows(batch, folded, None if stored else NO_HISTORY)
        return rows, self._rewrites(ids, histories, timeline)

    def _rows(self, batch: Batch, folded: Folded, degraded_reason: str | None) -> DecisionRows:
        scorer = self._scorer()
        features = np.ascontiguousarray(folded.features, np.float32)
        scored = scorer.score(batch.customer_id, features)
        verdict = scorer.policy.decide(scored.score, batch.amount_minor)
        return DecisionRows(
            batch,
            verdict,
            scored.score,
            folded.late,
            scored.variant,
            tuple(self._scoring(scorer, number, variant) for number, variant in enumerate(scorer.variants)),
            features,
            self._codec.currency,
            self._now(),
            degraded_reason,
            self._reasons(scorer, scored, verdict, features),
        )

    def _reasons(
        self, scorer: Scorer, scored: Scored, verdict: NDArray[np.int8], features: Matrix
    ) -> dict[int, list[Reason]]:
        """Why what is not approved is not."""
        alerted = np.flatnonzero(verdict != APPROVE)
        if not len(alerted):
            return {}
        rows = features[alerted]
        found = reasons_of(rows, scorer.explain(scored.variant[alerted], rows), self._codec.currency)
        return dict(zip(alerted.tolist(), found, strict=True))

    def _scoring(self, scorer: Scorer, number: int, variant: Variant) -> Scoring:
        model = scorer.models[number]
        ab_version = scorer.router.config.version
        return Scoring(variant.name, model.name, model.version, scorer.policy.version, ab_version)

    def _rewrites(
        self, ids: Mapping[Entity, Sequence[str]], histories: Sequence[bytes | None], timeline: Timeline
    ) -> Rewrites:
        """Histories that have grown past what counts, and what they shrink to."""
        names = [(entity, name) for entity in ENTITIES for name in ids[entity]]
        sizes = [len(ids[entity]) for entity in ENTITIES]
        keep_s = np.repeat([self._retention.keep_s(entity) for entity in ENTITIES], sizes)
        most_records = np.repeat([self._retention.most_records(entity) for entity in ENTITIES], sizes)
        rewrites: Rewrites = {}
        for code in overgrown(timeline, keep_s, most_records).tolist():
            entity, name = names[code]
            before = histories[code] or b""
            rewrites.setdefault(entity, {})[name] = (before, compacted(before, entity, self._retention))
        return rewrites


def _unknown(ids: Mapping[Entity, Sequence[str]]) -> Mapping[Entity, Sequence[bytes | None]]:
    """The histories of customers and terminals as if nobody had met them."""
    return {entity: [None] * len(names) for entity, names in ids.items()}


def _coded(batch: Batch) -> tuple[dict[Entity, list[str]], Ints]:
    """Distinct ids of each kind, and each row's numbers among them all, (kinds, n)."""
    ids: dict[Entity, list[str]] = {}
    codes = np.empty((len(ENTITIES), len(batch)), np.int64)
    first = 0
    for row, entity in enumerate(ENTITIES):
        names = batch.ids(entity)
        index = {name: code for code, name in enumerate(dict.fromkeys(names), first)}
        codes[row] = np.fromiter(map(index.__getitem__, names), np.int64, len(names))
        ids[entity] = list(index)
        first += len(index)
    return ids, codes
