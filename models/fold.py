"""Fold: a sweep's transactions into their histories, giving each its features as of its event time.

One code for serving and for training. Vectorised over the sweep by prefix sums and binary searches; an
entity whose records come out of event-time order, or whose history is long enough for tiles, takes the
plain fold, so that how records fall into sweeps never changes a feature.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.features import (
    DAY_S,
    ENTITIES,
    FEATURES,
    HOUR_S,
    LATE_AFTER_S,
    Entity,
    Feature,
    spans_of,
)
from models.history import CODE_SHIFT, TIME_MASK, Ints, Records, Retention, Timeline, hour_of
from models.plain_fold import late_one_by_one, windows_one_by_one

Span = tuple[int, int]
Sums = dict[Span, tuple[Ints, Ints]]
Flags = NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0


@dataclass(frozen=True, slots=True)
class Entries:
    """A sweep's transactions in the order in which they count. All arrays of length n.

    codes: per kind of entity, which of its histories each transaction belongs to.
    """

    codes: Mapping[Entity, Ints]
    time_s: Ints
    amount_minor: Ints

    def __len__(self) -> int:
        return len(self.time_s)

    def added(self, entity: Entity) -> Ints:
        """What each transaction adds to the sum of that kind of history."""
        return self.amount_minor if entity == "customer" else np.zeros_like(self.amount_minor)


@dataclass(frozen=True, slots=True)
class Folded:
    """features: float64 (n, len(FEATURES)). late: scored, but not to be added to any history."""

    features: NDArray[np.float64]
    late: Flags


def fold(entries: Entries, timelines: Mapping[Entity, Timeline], retention: Retention) -> Folded:
    """Features of `entries`, given the histories of their entities before them, indexed by the same codes."""
    passes = [_Pass.of(entity, entries, timelines[entity], retention) for entity in ENTITIES]
    late = _late(entries, passes)
    sums = {each.entity: each.windows(late) for each in passes}
    return Folded(_columns(entries, sums), late)


def _late(entries: Entries, passes: list["_Pass"]) -> Flags:
    newest = np.max([each.newest_hour for each in passes], axis=0)
    late: Flags = entries.time_s + LATE_AFTER_S <= newest
    if not late.any():
        return late
    # A late transaction is not added, so it cannot make another one late: decide them in order.
    known = [each.timeline.newest_hour() for each in passes]
    return late_one_by_one(entries.time_s, [each.code for each in passes], known, LATE_AFTER_S)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One kind of entity's way through a sweep. Arrays are in the sweep's order.

    newest_hour: of the history, the sweep's earlier transactions of the entity, and the transaction itself.
    disordered: comes with an event time that an earlier one of the sweep should have seen.
    """

    entity: Entity
    retention: Retention
    timeline: Timeline
    code: Ints
    time_s: Ints
    added: Ints
    newest_hour: Ints
    disordered: Flags

    @classmethod
    def of(cls, entity: Entity, entries: Entries, timeline: Timeline, retention: Retention) -> "_Pass":
        code, time_s = entries.codes[entity], entries.time_s
        by_code = np.argsort(code, kind="stable")
        key = (code[by_code] << CODE_SHIFT) | time_s[by_code]
        # The code in the high bits makes one running maximum start again at each entity.
        running = np.maximum.accumulate(key)
        before = np.concatenate([[-1], running[:-1]])
        same = (before >> CODE_SHIFT) == (key >> CODE_SHIFT)
        delay_s = min(delay for delay, _ in spans_of(entity))
        behind_s = (before & TIME_MASK) - (key & TIME_MASK)
        newest = _scattered(hour_of(running & TIME_MASK), by_code)
        return cls(
            entity,
            retention,
            timeline,
            code,
            time_s,
            entries.added(entity),
            np.maximum(newest, timeline.newest_hour()[code]),
            _scattered(same & ((behind_s >= delay_s) if delay_s else (behind_s > 0)), by_code),
        )

    def windows(self, late: Flags) -> Sums:
        sums = self._vectorised()
        for code in self._awkward(late):
            self._one_by_one(int(code), late, sums)
        return sums

    def _floor(self) -> Ints:
        return self.newest_hour - self.retention.keep_s(self.entity)

    def _awkward(self, late: Flags) -> Ints:
        """Codes of the entities that the vectorised windows do not serve."""
        events = self.timeline.events() + np.bincount(self.code, minlength=len(self.timeline.starts) - 1)
        tiled = events[self.code] > self.retention.exact_events
        return np.unique(self.code[self.disordered | late | tiled | (self.time_s <= self._floor())])

    def _vectorised(self) -> Sums:
        order = np.argsort((self.code << CODE_SHIFT) | self.time_s, kind="stable")
        code, time_s, floor = self.code[order], self.time_s[order], self._floor()[order]
        own = Records(code, time_s, np.ones(len(order), np.int64), self.added[order])
        sweep = Timeline.of(own, len(self.timeline.starts) - 1)
        up_to_itself = np.arange(1, len(order) + 1)
        sums: Sums = {}
        for delay_s, window_s in spans_of(self.entity):
            end_s = time_s - delay_s
            start_s = np.minimum(np.maximum(end_s - window_s, floor), end_s)
            before = _between(self.timeline, self.timeline.after(code, end_s), code, start_s)
            high = sweep.after(code, end_s) if delay_s else up_to_itself
            within = _between(sweep, high, code, start_s)
            sums[delay_s, window_s] = (
                _scattered(before[0] + within[0], order),
                _scattered(before[1] + within[1], order),
            )
        return sums

    def _one_by_one(self, code: int, late: Flags, sums: Sums) -> None:
        mine = np.flatnonzero(self.code == code)
        found = windows_one_by_one(
            self.timeline.records(code),
            (self.time_s[mine], self.added[mine], late[mine]),
            spans_of(self.entity),
            self.retention.keep_s(self.entity),
            self.retention.exact_events,
        )
        for span, (count, total) in found.items():
            sums[span][0][mine] = count
            sums[span][1][mine] = total


def _between(timeline: Timeline, high: Ints, code: Ints, start_s: Ints) -> tuple[Ints, Ints]:
    """Counts and sums of the records from just after `start_s` up to the index `high`."""
    low = timeline.after(code, start_s)
    return timeline.counts[high] - timeline.counts[low], timeline.totals[high] - timeline.totals[low]


def _scattered(values: NDArray[Kind], order: Ints) -> NDArray[Kind]:
    """Sorted values back to where they came from."""
    back = np.empty_like(values)
    back[order] = values
    return back


def _columns(entries: Entries, sums: Mapping[Entity, Sums]) -> NDArray[np.float64]:
    columns = np.empty((len(entries), len(FEATURES)), np.float64)
    for index, feature in enumerate(FEATURES):
        columns[:, index] = _column(feature, entries, sums)
    return columns


def _column(feature: Feature, entries: Entries, sums: Mapping[Entity, Sums]) -> NDArray[np.generic]:
    if feature.aggregate == "amount":
        return entries.amount_minor
    if feature.aggregate == "is_weekend":
        return (entries.time_s // DAY_S + _EPOCH_WEEKDAY) % 7 >= 5
    if feature.aggregate == "is_night":
        return entries.time_s % DAY_S // HOUR_S <= 6
    assert feature.entity is not None
    count, total = sums[feature.entity][feature.span]
    return count if feature.aggregate == "count" else total / np.maximum(count, 1)
