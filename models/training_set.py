"""Features of a whole table of past transactions, by the fold that serves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import ENTITIES, HOUR_S, LABEL_DELAY_S, LATE_AFTER_S, Entity
from models.fold import Entries, fold
from models.history import NO_RECORDS, Ints, Records, Retention, Timeline

# A label is known a delay after its transaction, so within one such stretch no new label can matter.
STRETCH_S = LABEL_DELAY_S


@dataclass(frozen=True, slots=True)
class PastTransactions:
    """Past transactions in event-time order. All arrays of length n.

    customer, terminal: small integers, one per distinct id. fraud: 0 or 1, as known a label delay later.
    """

    customer: Ints
    terminal: Ints
    time_s: Ints
    amount_minor: Ints
    fraud: Ints

    def __len__(self) -> int:
        return len(self.time_s)

    def codes(self, entity: Entity) -> Ints:
        return self.customer if entity == "customer" else self.terminal


def past_features(past: PastTransactions, retention: Retention) -> Iterator[NDArray[np.float64]]:
    """Feature matrices (rows, len(FEATURES)) of successive stretches: together all rows, in order."""
    histories: dict[Entity, Records] = dict.fromkeys(ENTITIES, NO_RECORDS)
    sizes = {entity: int(past.codes(entity).max(initial=-1)) + 1 for entity in ENTITIES}
    for first, last in _stretches(past.time_s):
        rows = slice(first, last)
        entries = Entries(
            {entity: past.codes(entity)[rows] for entity in ENTITIES},
            past.time_s[rows],
            past.amount_minor[rows],
        )
        timelines = {entity: Timeline.of(histories[entity], sizes[entity]) for entity in ENTITIES}
        yield fold(entries, timelines, retention).features
        for entity in ENTITIES:
            grown = _grown(histories[entity], entity, entries, past.fraud[rows])
            histories[entity] = _recent(grown, retention)


def _stretches(time_s: Ints) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(time_s):
        last = int(np.searchsorted(time_s, time_s[first] + STRETCH_S, side="left"))
        yield first, last
        first = last


def _grown(history: Records, entity: Entity, entries: Entries, fraud: Ints) -> Records:
    """The history with a stretch's transactions, and, for terminals, what their labels will say."""
    marks = entries.added(entity) if entity == "customer" else fraud
    return Records(
        np.concatenate([history.code, entries.codes[entity]]),
        np.concatenate([history.time_s, entries.time_s]),
        np.concatenate([history.count, np.ones(len(entries), np.int64)]),
        np.concatenate([history.total, marks]),
    )


def _recent(records: Records, retention: Retention) -> Records:
    """Without what no later transaction can see, whatever is newest in its own history."""
    if not len(records):
        return records
    oldest = int(records.time_s.max()) - LATE_AFTER_S - retention.lateness_s - HOUR_S
    return records.where(records.time_s >= oldest)
