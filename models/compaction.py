"""Making histories smaller: what is too old to count goes, and what is too much becomes tiles."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.features import Entity
from models.history import (
    CODE_SHIFT,
    COUNT,
    MARK,
    RECORD,
    TIME_MASK,
    Ints,
    Records,
    Retention,
    Timeline,
    hour_of,
    pack,
    tiles_end,
    unpack,
)

LEAST_WASTE = 16


def compacted(raw: bytes, entity: Entity, retention: Retention) -> bytes:
    """The same history, smaller: without what is too old to count, and with tiles for what is too much.

    No feature can tell the difference, now or after any further records.
    """
    return compacted_together([raw], np.array([retention.keep_s(entity)]), retention.exact_events)[0]


def compacted_together(histories: Sequence[bytes], keep_s: Ints, exact_events: int) -> list[bytes]:
    """`compacted` for many: at once, but for those that have more than can stay exact.

    keep_s: what `Retention` says of each history.
    """
    records = unpack(histories)
    timeline = Timeline.of(records, len(histories))
    floor_s = timeline.newest_hour() - keep_s
    kept, is_mark = records.time_s >= floor_s[records.code], records.count == 0
    events = np.frombuffer(b"".join(histories), RECORD)[kept & ~is_mark]
    marks, whose = _marks(records.where(kept & is_mark))
    codes = np.concatenate([records.code[kept & ~is_mark], whose])
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(histories) + 1)) * RECORD.itemsize
    packed = np.concatenate([events, marks])[order].tobytes()
    smaller = [packed[first:last] for first, last in pairwise(bounds.tolist())]
    for code in np.flatnonzero(timeline.events() > exact_events).tolist():
        smaller[code] = _with_tiles(histories[code], int(floor_s[code]), exact_events)
    return smaller


def _with_tiles(raw: bytes, floor_s: int, exact_events: int) -> bytes:
    records = unpack([raw])
    end = tiles_end(records.time_s, records.count, exact_events)
    kept = records.time_s >= floor_s
    recent = kept & (records.time_s >= end)
    is_mark = records.count == 0
    events = np.frombuffer(raw, RECORD)[recent & ~is_mark]
    tiles = _tiles(records.where(kept & (records.time_s < end)))
    marks, _ = _marks(records.where(recent & is_mark))
    return np.concatenate([tiles, events, marks]).tobytes()


def _marks(records: Records) -> tuple[NDArray[np.void], Ints]:
    """One for each second of a history, and whose it is; none where they cancel out."""
    keys, index = np.unique((records.code << CODE_SHIFT) | records.time_s, return_inverse=True)
    totals = np.zeros(len(keys), np.int64)
    np.add.at(totals, index, records.total)
    left = totals != 0
    return pack(keys[left] & TIME_MASK, totals[left], MARK), keys[left] >> CODE_SHIFT


def _tiles(records: Records) -> NDArray[np.void]:
    hours, index = np.unique(hour_of(records.time_s), return_inverse=True)
    counts = np.zeros(len(hours), np.int64)
    totals = np.zeros(len(hours), np.int64)
    np.add.at(counts, index, records.count)
    np.add.at(totals, index, records.total)
    return np.concatenate(
        [
            pack(hours[counts != 0], counts[counts != 0], COUNT),
            pack(hours[totals != 0], totals[totals != 0], MARK),
        ]
    )


def overgrown(timeline: Timeline, keep_s: Ints, most_records: Ints) -> Ints:
    """Codes of the histories that `compacted` would shrink by a third or more, and by 16 records at least.

    keep_s, most_records: what `Retention` says of each history.
    """
    sizes = timeline.starts[1:] - timeline.starts[:-1]
    if int(sizes.max(initial=0)) < LEAST_WASTE:
        return np.empty(0, np.int64)
    stale = (
        timeline.after(np.arange(timeline.size), timeline.newest_hour() - keep_s - 1) - timeline.starts[:-1]
    )
    wasted = np.maximum(stale, sizes - most_records)
    return np.flatnonzero((wasted >= LEAST_WASTE) & (wasted * 3 >= sizes))
