"""From histories and transactions to decisions: one code for the worker and for the gateway."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np

from models.ab_test import Variant
from models.boosters import Matrix
from models.compaction import compacted_together, overgrown
from models.decision import NO_HISTORY, Path
from models.features import ENTITIES, Entity
from models.fold import Entries, Folded, fold
from models.history import Ints, Retention, Timeline, unpack
from models.policy import APPROVE
from models.reasons import Reason, reasons_of
from models.scorer import Judged, Scorer
from streams.arrivals import Batch
from streams.metrics import Metrics
from streams.ports import DecisionRows, Scoring

Histories = Mapping[Entity, Sequence[bytes | None]]
Rewrites = dict[Entity, dict[str, tuple[bytes, bytes]]]


class Decider:
    """Folds, scores, judges and explains. Writes nothing.

    scorer: gives the models in force; asked once per batch, so that a change falls between two.
    now: the wall clock, for `decided_at` alone.
    """

    def __init__(
        self,
        *,
        scorer: Callable[[], Scorer],
        retention: Retention,
        currency: str,
        path: Path,
        now: Callable[[], datetime],
        metrics: Metrics,
    ) -> None:
        self._scorer = scorer
        self._retention = retention
        self._currency = currency
        self._path = path
        self._now = now
        self._metrics = metrics

    def decide(self, batch: Batch, names: "Names", stored: Histories | None) -> tuple[DecisionRows, Rewrites]:
        """Decisions on a batch, each counting those before it, and the histories that have grown past what
        counts.

        names: of this batch. stored: their histories as read; None where they could not be, and the rows say
        so.
        """
        histories = _flat(names, stored)
        with self._metrics.step("fold"):
            timeline = Timeline.of(unpack(histories), len(histories))
            folded = self._folded(batch, names.codes, timeline)
        return self._scored(batch, folded, stored), self._rewrites(names.ids, histories, timeline)

    def decide_apart(self, batch: Batch, names: "Names", stored: Histories | None) -> DecisionRows:
        """The same, each as if it had come alone: with its own copies of its histories."""
        histories = _flat(names, stored)
        copies = [histories[code] for code in names.codes.ravel().tolist()]
        with self._metrics.step("fold"):
            codes = np.arange(len(copies)).reshape(names.codes.shape)
            folded = self._folded(batch, codes, Timeline.of(unpack(copies), len(copies)))
        return self._scored(batch, folded, stored)

    def _folded(self, batch: Batch, codes: Ints, timeline: Timeline) -> Folded:
        return fold(Entries(codes, batch.time_s, batch.amount_minor), timeline, self._retention)

    def _scored(self, batch: Batch, folded: Folded, stored: Histories | None) -> DecisionRows:
        with self._metrics.step("score"):
            return self._rows(batch, folded, None if stored else NO_HISTORY)

    def _rows(self, batch: Batch, folded: Folded, degraded_reason: str | None) -> DecisionRows:
        scorer = self._scorer()
        features = np.ascontiguousarray(folded.features, np.float32)
        judged = scorer.judge(batch.customer_id, features, batch.amount_minor)
        return DecisionRows(
            batch,
            judged.verdict,
            judged.score,
            folded.late,
            judged.variant,
            tuple(self._scoring(scorer, number, variant) for number, variant in enumerate(scorer.variants)),
            features,
            self._currency,
            self._now(),
            scorer.degraded_reason or degraded_reason,
            self._reasons(scorer, judged, features),
            self._path,
        )

    def _reasons(self, scorer: Scorer, judged: Judged, features: Matrix) -> dict[int, list[Reason]]:
        """Why what is not approved is not."""
        alerted = np.flatnonzero(judged.verdict != APPROVE)
        if not len(alerted):
            return {}
        rows = features[alerted]
        found = reasons_of(rows, scorer.explain(judged.variant[alerted], rows), self._currency)
        return dict(zip(alerted.tolist(), found, strict=True))

    def _scoring(self, scorer: Scorer, number: int, variant: Variant) -> Scoring:
        model = scorer.models[number]
        ab_version = scorer.router.config.version
        return Scoring(variant.name, model.name, model.version, scorer.policy.version, ab_version)

    def _rewrites(
        self, ids: Mapping[Entity, Sequence[str]], histories: Sequence[bytes | None], timeline: Timeline
    ) -> Rewrites:
        """Histories that have grown past what counts, and what they shrink to."""
        sizes = [len(ids[entity]) for entity in ENTITIES]
        keep_s = np.repeat([self._retention.keep_s(entity) for entity in ENTITIES], sizes)
        most_records = np.repeat([self._retention.most_records(entity) for entity in ENTITIES], sizes)
        grown = overgrown(timeline, keep_s, most_records)
        if not len(grown):
            return {}
        names = [(entity, name) for entity in ENTITIES for name in ids[entity]]
        before = [histories[code] or b"" for code in grown.tolist()]
        after = compacted_together(before, keep_s[grown], self._retention.exact_events)
        rewrites: Rewrites = {}
        for code, change in zip(grown.tolist(), zip(before, after, strict=True), strict=True):
            entity, name = names[code]
            rewrites.setdefault(entity, {})[name] = change
        return rewrites


class Names:
    """The distinct ids of a batch, of each kind, and each row's numbers among them all, (kinds, n)."""

    def __init__(self, batch: Batch) -> None:
        self.ids: dict[Entity, list[str]] = {}
        self.codes: Ints = np.empty((len(ENTITIES), len(batch)), np.int64)
        first = 0
        for row, entity in enumerate(ENTITIES):
            names = batch.ids(entity)
            index = {name: code for code, name in enumerate(dict.fromkeys(names), first)}
            self.codes[row] = np.fromiter(map(index.__getitem__, names), np.int64, len(names))
            self.ids[entity] = list(index)
            first += len(index)


def _flat(names: Names, stored: Histories | None) -> list[bytes | None]:
    """Histories in the order of the names' codes; unknown ones as if nobody had met their owners."""
    if stored is None:
        return [None] * sum(map(len, names.ids.values()))
    return [raw for entity in ENTITIES for raw in stored[entity]]
