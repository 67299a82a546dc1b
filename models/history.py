"""A history: a bag of 12-byte records that is only appended to, so that updates commute.

A record is an event time in whole seconds (u32) and a value (i64) whose two low bits say what the rest is:

    EVENT  one transaction; adds 1 to the count and its payload to the sum
    MARK   a label; adds its payload to the sum (a fraud, or a fraud taken back)
    COUNT  the number of transactions in a tile; its sum is a MARK beside it

The sum is the amount in minor units for a customer, and the number of known frauds for a terminal.
Order does not matter: readers sort by time, and equal seconds count in the order of appending.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import DAY_S, HOUR_S, Entity, reach_of

Ints = NDArray[np.int64]

RECORD = np.dtype([("time_s", "<u4"), ("value", "<i8")])
EVENT, MARK, COUNT = 0, 1, 2
_KIND_BITS = 2
_KIND_MASK = 3
CODE_SHIFT = 32  # code << 32 | time_s sorts by history, then by time
TIME_MASK = (1 << CODE_SHIFT) - 1


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a history is kept. Part of what a feature means, so the same everywhere.

    lateness_s: a transaction up to this far behind the newest of its histories still sees whole windows.
    exact_events: beyond this many transactions, older whole hours become tiles: a window's edge among them
        counts its hour as a whole, so that a count or sum is off by less than that hour's traffic.
    """

    lateness_s: int = 3 * DAY_S
    exact_events: int = 4096

    def keep_s(self, entity: Entity) -> int:
        """Seconds before the newest hour beyond which nothing counts any more."""
        return reach_of(entity) + self.lateness_s

    def most_records(self, entity: Entity) -> int:
        """How many records a compacted history can hold."""
        # Two for each hour in tiles; a terminal's exact transactions may bear a mark each.
        exact = self.exact_events * (2 if entity == "terminal" else 1)
        return exact + 2 * (self.keep_s(entity) // HOUR_S + 1)


@dataclass(frozen=True, slots=True)
class Records:
    """Records of many histories: code (which history), time in seconds, count and sum, all of one length."""

    code: Ints
    time_s: Ints
    count: Ints
    total: Ints

    def __len__(self) -> int:
        return len(self.time_s)

    def where(self, mask: NDArray[np.bool_]) -> "Records":
        return Records(self.code[mask], self.time_s[mask], self.count[mask], self.total[mask])


NO_RECORDS = Records(*(np.empty(0, np.int64) for _ in range(4)))


def pack(time_s: Ints, payload: Ints, kind: int | Ints) -> NDArray[np.void]:
    """Records ready to be appended; `.tobytes()` of a slice is what is stored."""
    packed = np.empty(len(time_s), RECORD)
    packed["time_s"] = time_s
    packed["value"] = (payload << _KIND_BITS) | kind
    return packed


def unpack(histories: Sequence[bytes | None]) -> Records:
    """Stored histories, in the order of their codes, to records; None is an empty history."""
    stored = [raw or b"" for raw in histories]
    sizes = np.fromiter(map(len, stored), np.int64, len(stored)) // RECORD.itemsize
    joined = np.frombuffer(b"".join(stored), RECORD)
    value = joined["value"].astype(np.int64)
    kind, payload = value & _KIND_MASK, value >> _KIND_BITS
    count, total = np.ones(len(value), np.int64), payload
    if kind.any():
        count = np.where(kind == EVENT, 1, np.where(kind == COUNT, payload, 0))
        total = np.where(kind == COUNT, 0, payload)
    codes = np.repeat(np.arange(len(stored)), sizes)
    return Records(codes, joined["time_s"].astype(np.int64), count, total)


def hour_of(time_s: Ints) -> Ints:
    return time_s - time_s % HOUR_S


@dataclass(frozen=True, slots=True)
class Timeline:
    """Records of many histories in the order of (code, time), with prefix sums: windows by binary search.

    key: code << 32 | time_s, ascending. counts, totals: sums of all before an index, one longer than key.
    starts: index of the first record of each code, one longer than the number of codes.
    """

    key: Ints
    counts: Ints
    totals: Ints
    starts: Ints

    @classmethod
    def of(cls, records: Records, codes: int) -> "Timeline":
        key = (records.code << CODE_SHIFT) | records.time_s
        count, total = records.count, records.total
        if not bool((key[1:] >= key[:-1]).all()):
            order = np.argsort(key, kind="stable")
            key, count, total = key[order], count[order], total[order]
        starts = np.searchsorted(key, np.arange(codes + 1) << CODE_SHIFT)
        return cls(key, _prefix_sums(count), _prefix_sums(total), starts)

    def after(self, code: Ints, time_s: Ints) -> Ints:
        """Index of the first record of `code` later than `time_s`; of any shape."""
        return np.searchsorted(self.key, (code << CODE_SHIFT) + np.maximum(time_s, -1), side="right")

    def between(self, low: Ints, high: Ints) -> tuple[Ints, Ints]:
        """Counts and sums of the records from one index up to another."""
        return self.counts[high] - self.counts[low], self.totals[high] - self.totals[low]

    @property
    def size(self) -> int:
        """How many histories there are."""
        return len(self.starts) - 1

    def newest_hour(self) -> Ints:
        """Per code, the hour of its newest record, -1 for none. By the hour, so that tiles agree."""
        newest = np.full(self.size, -1, np.int64)
        filled = self.starts[1:] > self.starts[:-1]
        newest[filled] = hour_of(self.key[self.starts[1:][filled] - 1] & TIME_MASK)
        return newest

    def events(self) -> Ints:
        """Per code, how many transactions it holds."""
        return self.counts[self.starts[1:]] - self.counts[self.starts[:-1]]


def _prefix_sums(values: Ints) -> Ints:
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def tiles_end(time_s: Ints, count: Ints, exact_events: int) -> int:
    """The hour before which one history is seen in tiles: at most `exact_events` transactions lie after it.

    0 when they are few enough. Records in any order.
    """
    if int(count.sum()) <= exact_events:
        return 0
    newest_first = np.argsort(-time_s, kind="stable")
    passed = int(np.searchsorted(np.cumsum(count[newest_first]), exact_events, side="right"))
    return int(hour_of(time_s[newest_first])[passed]) + HOUR_S
