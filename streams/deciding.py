"""From histories and transactions to decisions: one code for the worker and for the gateway."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from models.ab_test import Variant
from models.boosters import Matrix
from models.decision import Path
from models.features import ENTITIES, Entity
from models.fold import Entries, Folded, fold
from models.history import Ints, Retention, Timeline, compacted, overgrown, unpack
from models.policy import APPROVE
from models.reasons import Reason, reasons_of
from models.scorer import Scored, Scorer
from streams.arrivals import Batch
from streams.metrics import Metrics
from streams.ports import DecisionRows, Scoring

# The reason of a decision that was made while histories could not be read.
NO_HISTORY = "no_history"

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
        """Decisions on a batch, and the histories that have grown past what counts.

        names: of this batch. stored: their histories as read; None where they could not be, and the rows say
        so.
        """
        with self._metrics.step("fold"):
            ids = names.ids
            histories = [raw for entity in ENTITIES for raw in (stored or _unknown(ids))[entity]]
            timeline = Timeline.of(unpack(histories), len(histories))
            folded = fold(Entries(names.codes, batch.time_s, batch.amount_minor), timeline, self._retention)
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
            self._currency,
            self._now(),
            degraded_reason,
            self._reasons(scorer, scored, verdict, features),
            self._path,
        )

    def _reasons(
        self, scorer: Scorer, scored: Scored, verdict: NDArray[np.int8], features: Matrix
    ) -> dict[int, list[Reason]]:
        """Why what is not approved is not."""
        alerted = np.flatnonzero(verdict != APPROVE)
        if not len(alerted):
            return {}
        rows = features[alerted]
        found = reasons_of(rows, scorer.explain(scored.variant[alerted], rows), self._currency)
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


def _unknown(ids: Mapping[Entity, Sequence[str]]) -> Mapping[Entity, Sequence[bytes | None]]:
    """The histories of customers and terminals as if nobody had met them."""
    return {entity: [None] * len(names) for entity, names in ids.items()}
