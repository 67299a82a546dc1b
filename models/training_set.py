"""Features of a whole table of past transactions, by the fold that serves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import ENTITIES, HOUR_S, LABEL_DELAY_S, LATE_AFTER_S
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

    def codes(self) -> Ints:
        """Numbers across both kinds of entity, (kinds, n)."""
        return np.stack([self.customer, self.terminal + int(self.customer.max(initial=-1)) + 1])


def past_features(past: PastTransactions, retention: Retention) -> Iterator[NDArray[np.float64]]:
    """Feature matrices (rows, len(FEATURES)) of successive stretches: together all rows, in order."""
    codes = past.codes()
    size = int(codes.max(initial=-1)) + 1
    history = NO_RECORDS
    for first, last in _stretches(past.time_s):
        rows = slice(first, last)
        entries = Entries(codes[:, rows], past.time_s[rows], past.amount_minor[rows])
        yield fold(entries, Timeline.of(history, size), retention).features
        history = _recent(_grown(history, entries, past.fraud[rows]), retention)


def _stretches(time_s: Ints) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(time_s):
        last = int(np.searchsorted(time_s, time_s[first] + STRETCH_S, side="left"))
        yield first, last
        first = last


def _grown(history: Records, entries: Entries, fraud: Ints) -> Records:
    """The history with a stretch's transactions, and what their labels will say."""
    # A customer's history sums amounts, a terminal's known frauds.
    totals = np.concatenate([entries.amount_minor, fraud])
    return Records(
        np.concatenate([history.code, entries.codes.ravel()]),
        np.concatenate([history.time_s, np.tile(entries.time_s, len(ENTITIES))]),
        np.concatenate([history.count, np.ones(len(totals), np.int64)]),
        np.concatenate([history.total, totals]),
    )


def _recent(records: Records, retention: Retention) -> Records:
    """Without what no later transaction can see, whatever is newest in its own history."""
    if not len(records):
        return records
    oldest = int(records.time_s.max()) - LATE_AFTER_S - retention.lateness_s - HOUR_S
    return records.where(records.time_s >= oldest)
