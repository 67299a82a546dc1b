"""The fold of entities whose transactions come in any order of time, or whose histories have tiles.

Nothing is assumed of the order: each sees its history, those before it that are not late, and itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.features import HOUR_S
from models.history import CODE_SHIFT, TIME_MASK, Ints, Records, Timeline, hour_of

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Transactions of a sweep, entity by entity, those of each entity in the order in which they count.

    code, time_s, added, late, keep_s: (n,). code: the entity's history, ascending. added: to the sum.
    delay_s, window_s: (spans, n).
    """

    code: Ints
    time_s: Ints
    added: Ints
    late: Flags
    keep_s: Ints
    delay_s: Ints
    window_s: Ints

    def __len__(self) -> int:
        return len(self.code)


def late_one_by_one(time_s: Ints, codes: Ints, newest: Ints, after_s: int) -> Flags:
    """Which transactions are older than every window of their own histories.

    codes: (kinds, n), each transaction's histories. newest: the newest hour of each history, -1 where it is
    empty. A late transaction is not added, so it does not move what is newest.
    """
    known = newest.tolist()
    late = np.zeros(len(time_s), np.bool_)
    for i, (now, *mine) in enumerate(np.vstack([time_s, codes]).T.tolist()):
        late[i] = now + after_s <= max(known[code] for code in mine)
        if not late[i]:
            for code in mine:
                known[code] = max(known[code], now - now % HOUR_S)
    return late


def windows_in_any_order(arrivals: Arrivals, timeline: Timeline, exact_events: int) -> tuple[Ints, Ints]:
    """Counts and sums over (time - delay - window, time - delay], (spans, n)."""
    end_s = arrivals.time_s - arrivals.delay_s
    start_s = np.minimum(np.maximum(end_s - arrivals.window_s, _floor(arrivals, timeline)), end_s)
    edges_s = _moved(np.stack([start_s, end_s]), _tiled_before(arrivals, timeline, exact_events))
    # One so old that nothing else counts for it any more sees itself all the same.
    alone = (arrivals.delay_s == 0) & (start_s == end_s)
    itself = alone | (edges_s[0] < arrivals.time_s) & (arrivals.time_s <= edges_s[1])
    count, total = _between(timeline, arrivals.code, edges_s)
    own_count, own_total = _of_earlier(arrivals, edges_s)
    return count + own_count + itself, total + own_total + itself * arrivals.added


def _floor(arrivals: Arrivals, timeline: Timeline) -> Ints:
    """Up to when nothing counts for each any more, (n,), by the newest hour that it sees."""
    # The code in the high bits makes one running maximum start again at each entity.
    stays = (arrivals.code << CODE_SHIFT) | np.where(arrivals.late, 0, arrivals.time_s)
    newest_s = np.maximum(np.maximum.accumulate(stays) & TIME_MASK, arrivals.time_s)
    return np.maximum(hour_of(newest_s), timeline.newest_hour()[arrivals.code]) - arrivals.keep_s


def _moved(edges_s: Ints, tiled_before: Ints) -> Ints:
    """Edges of windows; those among tiles at the last second of their hour.

    Among tiles everything lies at the start of its hour, edges too. So an hour that holds an edge lies before
    it as a whole, which is what exact times beside the moved edge say, whether tiles have been made or not.
    """
    return np.where(edges_s < tiled_before, hour_of(edges_s) + (HOUR_S - 1), edges_s)


def _between(timeline: Timeline, code: Ints, edges_s: Ints) -> tuple[Ints, Ints]:
    low, high = timeline.after(code, edges_s)
    return timeline.between(low, high)


def _of_earlier(arrivals: Arrivals, edges_s: Ints) -> tuple[Ints, Ints]:
    """Counts and sums, (spans, n), of the sweep's earlier transactions of the same entity that are not late.

    As in a Fenwick tree: those before the i-th are a block for each bit of i, of as many as the bit is worth,
    and a block is sorted once for all that follow.
    """
    first = np.searchsorted(arrivals.code, arrivals.code)
    earlier = np.arange(len(arrivals)) - first
    count, total = np.zeros((2, *edges_s.shape[1:]), np.int64)
    # Windows with a delay end before the sweep begins, as a rule.
    reaching = edges_s[1].max(axis=0) >= arrivals.time_s.min()
    for level in range(int(earlier.max()).bit_length()):
        rows = np.flatnonzero((earlier >> level & 1 == 1) & reaching)
        if len(rows):
            block = first + (earlier >> level)
            found = _between(_blocks(arrivals, block), block[rows] - 1, edges_s[:, :, rows])
            count[:, rows] += found[0]
            total[:, rows] += found[1]
    return count, total


def _blocks(arrivals: Arrivals, block: Ints) -> Timeline:
    stays = (~arrivals.late).astype(np.int64)
    return Timeline.of(Records(block, arrivals.time_s, stays, stays * arrivals.added), len(arrivals))


def _tiled_before(arrivals: Arrivals, timeline: Timeline, exact_events: int) -> Ints:
    """The hour before which each sees its history in tiles, (n,); 0 for none."""
    tiled_before = np.zeros(len(arrivals), np.int64)
    come = np.bincount(arrivals.code, minlength=timeline.size)
    for code in np.flatnonzero((come > 0) & (timeline.events() + come > exact_events)):
        mine = slice(*np.searchsorted(arrivals.code, [code, code + 1]))
        first, last = timeline.starts[code : code + 2]
        known = timeline.key[first:last], timeline.counts[first : last + 1]
        tiled_before[mine] = tiles_ends(known, arrivals.time_s[mine], arrivals.late[mine], exact_events)
    return tiled_before


def tiles_ends(known: tuple[Ints, Ints], time_s: Ints, late: Flags, exact_events: int) -> Ints:
    """What `tiles_end` says of all that each arrival sees, (n,). time_s, late: (n,), of the arrivals.

    known: of the history alone, `key` (k,) and `counts` (k + 1,) of a `Timeline`.
    """
    band_s, weights, newer = _band(*known, len(time_s), exact_events)
    times = np.concatenate([band_s, time_s])
    order = np.argsort(times, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    weight = np.concatenate([weights, np.zeros(len(time_s), np.int64)])[order].tolist()
    ends = _walked(weight, newer, place[len(band_s) :].tolist(), late.tolist(), exact_events)
    return np.where(ends < 0, 0, hour_of(times[order][ends]) + HOUR_S)


def _band(key: Ints, counts: Ints, arriving: int, exact_events: int) -> tuple[Ints, Ints, int]:
    """Where in a history tiles may end while so many arrive: times, counts, how many lie from there on."""
    all_before = counts[-1] - exact_events
    low, high = np.searchsorted(counts, [all_before, all_before + arriving])
    low, high = max(int(low) - 1, 0), min(int(high), len(key))
    return key[low:high] & TIME_MASK, np.diff(counts[low : high + 1]), int(counts[-1] - counts[low])


def _walked(weight: list[int], newer: int, places: list[int], late: list[bool], exact: int) -> Ints:
    """Of each arrival, at which place tiles end, -1 for none, (n,).

    weight: how many transactions lie at a place, oldest first; arrivals, at their places, not yet. newer: how
    many lie at the first place or after. What is added can move the end of tiles forwards only.
    """
    ends, at = np.full(len(places), -1), 0
    for i, place in enumerate(places):
        before = at, newer
        weight[place] = 1
        newer += place >= at
        while newer - weight[at] > exact:
            newer -= weight[at]
            at += 1
        if newer > exact:
            ends[i] = at
        if late[i]:
            weight[place] = 0
            at, newer = before
    return ends
