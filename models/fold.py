"""Fold: a sweep's transactions into their histories, giving each its features as of its event time.

One code for serving and for training. Vectorised over the sweep, over both kinds of entity and over all their
windows at once, by prefix sums and binary searches; an entity whose records come out of event-time order, or
whose history is long enough for tiles, is folded by another way (`any_order`), so that how records fall into
sweeps never changes a feature.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.any_order import Arrivals, Flags, late_one_by_one, windows_in_any_order
from models.features import (
    DAY_S,
    ENTITIES,
    FEATURES,
    HOUR_S,
    LATE_AFTER_S,
    Feature,
    spans_of,
)
from models.history import CODE_SHIFT, TIME_MASK, Ints, Records, Retention, Timeline, hour_of

Kind = TypeVar("Kind", bound=np.generic)

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0

# Windows by number, the same number for each kind of entity: a kind with fewer repeats its last one.
_SPANS = max(len(spans_of(entity)) for entity in ENTITIES)
_PADDED = [(spans_of(entity) + spans_of(entity)[-1:] * _SPANS)[:_SPANS] for entity in ENTITIES]
_DELAY_S = np.array([[delay for delay, _ in spans] for spans in _PADDED], np.int64).T
_WINDOW_S = np.array([[window for _, window in spans] for spans in _PADDED], np.int64).T
_LEAST_DELAY_S = _DELAY_S.min(axis=0)


@dataclass(frozen=True, slots=True)
class Entries:
    """A sweep's transactions in the order in which they count.

    codes: (kinds of entity, n), which history each transaction belongs to, numbered across all kinds.
    time_s, amount_minor: (n,).
    """

    codes: Ints
    time_s: Ints
    amount_minor: Ints

    def __len__(self) -> int:
        return len(self.time_s)


def added_to_sums(amount_minor: Ints) -> Ints:
    """What transactions add to the sums of each kind of history, (kinds, n): amounts, and no known frauds."""
    return np.stack([amount_minor, np.zeros_like(amount_minor)])


@dataclass(frozen=True, slots=True)
class Folded:
    """features: float64 (n, len(FEATURES)). late: scored, but not to be added to any history."""

    features: NDArray[np.float64]
    late: Flags


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts and sums of the windows, (spans, kinds of entity, n)."""

    count: Ints
    total: Ints


def fold(entries: Entries, timeline: Timeline, retention: Retention) -> Folded:
    """Features of `entries`, given the histories of their entities before them."""
    visits = _Visits.of(entries, timeline, retention)
    late = _late(entries, visits)
    return Folded(_columns(entries, visits.windows(late)), late)


def _late(entries: Entries, visits: "_Visits") -> Flags:
    newest = visits.newest_hour.reshape(entries.codes.shape).max(axis=0)
    late: Flags = entries.time_s + LATE_AFTER_S <= newest
    if not late.any():
        return late
    # A late transaction is not added, so it cannot make another one late: decide them in order.
    return late_one_by_one(entries.time_s, entries.codes, visits.timeline.newest_hour(), LATE_AFTER_S)


@dataclass(frozen=True, slots=True)
class _Visits:
    """Each transaction's visit to each of its histories: arrays of length kinds * n, kind by kind.

    newest_hour: of the history, the sweep's earlier transactions of the entity, and the transaction itself.
    disordered: comes with an event time that an earlier one of the sweep should have seen.
    """

    retention: Retention
    timeline: Timeline
    shape: tuple[int, ...]
    kind: Ints
    code: Ints
    time_s: Ints
    added: Ints
    newest_hour: Ints
    floor: Ints
    disordered: Flags

    @classmethod
    def of(cls, entries: Entries, timeline: Timeline, retention: Retention) -> "_Visits":
        code = entries.codes.ravel()
        kind = np.repeat(np.arange(len(ENTITIES)), len(entries))
        time_s = np.tile(entries.time_s, len(ENTITIES))
        by_code = np.argsort(code, kind="stable")
        key = ((code << CODE_SHIFT) | time_s)[by_code]
        # The code in the high bits makes one running maximum start again at each entity.
        running = np.maximum.accumulate(key)
        before = np.concatenate([[-1], running[:-1]])
        same = (before >> CODE_SHIFT) == (key >> CODE_SHIFT)
        delay_s = _LEAST_DELAY_S[kind][by_code]
        behind_s = (before & TIME_MASK) - (key & TIME_MASK)
        disordered = same & (behind_s > 0) & (behind_s >= delay_s)
        newest = _scattered(hour_of(running & TIME_MASK), by_code)
        newest_hour = np.maximum(newest, timeline.newest_hour()[code])
        return cls(
            retention,
            timeline,
            entries.codes.shape,
            kind,
            code,
            time_s,
            added_to_sums(entries.amount_minor).ravel(),
            newest_hour,
            newest_hour - _keep_s(retention)[kind],
            _scattered(disordered, by_code),
        )

    def windows(self, late: Flags) -> Sums:
        sums = self._vectorised()
        late = np.tile(late, len(ENTITIES))
        awkward = self._awkward(late)
        if len(awkward):
            found = windows_in_any_order(
                self._arrivals(awkward, late), self.timeline, self.retention.exact_events
            )
            sums.count[:, awkward], sums.total[:, awkward] = found
        shape = (_SPANS, *self.shape)
        return Sums(sums.count.reshape(shape), sums.total.reshape(shape))

    def _awkward(self, late: Flags) -> Ints:
        """Visits to the histories that the vectorised windows do not serve, in the order of their codes."""
        events = self.timeline.events() + np.bincount(self.code, minlength=self.timeline.size)
        is_awkward = events > self.retention.exact_events
        is_awkward[self.code[self.disordered | late | (self.time_s <= self.floor)]] = True
        visits = np.flatnonzero(is_awkward[self.code])
        return visits[np.argsort(self.code[visits], kind="stable")]

    def _arrivals(self, visits: Ints, late: Flags) -> Arrivals:
        kind = self.kind[visits]
        return Arrivals(
            self.code[visits],
            self.time_s[visits],
            self.added[visits],
            late[visits],
            _keep_s(self.retention)[kind],
            _DELAY_S[:, kind],
            _WINDOW_S[:, kind],
        )

    def _vectorised(self) -> Sums:
        """All windows at once: arrays of shape (spans, visits), visits by entity and time."""
        order = np.argsort((self.code << CODE_SHIFT) | self.time_s, kind="stable")
        code, time_s, kind = self.code[order], self.time_s[order], self.kind[order]
        delay_s = _DELAY_S[:, kind]
        end_s = time_s - delay_s
        start_s = np.minimum(np.maximum(end_s - _WINDOW_S[:, kind], self.floor[order]), end_s)
        own = Records(code, time_s, np.ones(len(order), np.int64), self.added[order])
        sweep = Timeline.of(own, self.timeline.size)
        # Of equal seconds a transaction sees those before it, and itself.
        up_to = np.where(delay_s == 0, np.arange(1, len(order) + 1), sweep.after(code, end_s))
        count, total = self.timeline.between(
            self.timeline.after(code, start_s), self.timeline.after(code, end_s)
        )
        own_count, own_total = sweep.between(sweep.after(code, start_s), up_to)
        back = _scattered(np.arange(len(order)), order)
        return Sums((count + own_count)[:, back], (total + own_total)[:, back])


def _keep_s(retention: Retention) -> Ints:
    return np.array([retention.keep_s(entity) for entity in ENTITIES], np.int64)


def _scattered(values: NDArray[Kind], order: Ints) -> NDArray[Kind]:
    """Sorted values back to where they came from."""
    back = np.empty_like(values)
    back[order] = values
    return back


def _places(aggregate: str) -> tuple[Ints, Ints, Ints]:
    """Of the window features with this aggregate: column, number of the span, kind of entity."""
    found = [
        (column, _PADDED[ENTITIES.index(feature.entity)].index(feature.span), ENTITIES.index(feature.entity))
        for column, feature in enumerate(FEATURES)
        if feature.entity is not None and feature.aggregate == aggregate
    ]
    columns, spans, kinds = np.array(found, np.int64).reshape(-1, 3).T
    return columns, spans, kinds


_COUNTS, _MEANS = _places("count"), _places("mean")
_OWN = [(column, feature) for column, feature in enumerate(FEATURES) if feature.entity is None]


def _columns(entries: Entries, sums: Sums) -> NDArray[np.float64]:
    columns = np.empty((len(FEATURES), len(entries)), np.float64)
    for column, feature in _OWN:
        columns[column] = own_values(feature, entries.time_s, entries.amount_minor)
    columns[_COUNTS[0]] = sums.count[_COUNTS[1:]]
    columns[_MEANS[0]] = sums.total[_MEANS[1:]] / np.maximum(sums.count[_MEANS[1:]], 1)
    return columns.T


def own_values(feature: Feature, time_s: Ints, amount_minor: Ints) -> NDArray[np.generic]:
    """What transactions tell by themselves, (n,): of a feature without a history."""
    if feature.aggregate == "is_weekend":
        return (time_s // DAY_S + _EPOCH_WEEKDAY) % 7 >= 5
    if feature.aggregate == "is_night":
        return time_s % DAY_S // HOUR_S <= 6
    return amount_minor
