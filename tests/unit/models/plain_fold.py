"""The fold in its plainest words, one transaction and one window at a time: what the fast one must equal."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.features import FEATURES, HOUR_S, Entity, spans_of
from models.history import Ints, Retention, hour_of, tiles_end

Span = tuple[int, int]
Flags = NDArray[np.bool_]
History = tuple[Ints, Ints, Ints]
Arrived = tuple[Ints, Ints, Flags]


def features_one_by_one(
    entity: Entity, history: History, arrivals: Arrived, retention: Retention
) -> dict[int, NDArray[np.float64]]:
    """Window features of one entity's transactions, (n,), by their columns in `FEATURES`."""
    spans, keep_s = spans_of(entity), retention.keep_s(entity)
    counts, totals = windows_one_by_one(history, arrivals, spans, keep_s, retention.exact_events)
    features = {}
    for column, each in enumerate(FEATURES):
        if each.entity == entity:
            count, total = counts[spans.index(each.span)], totals[spans.index(each.span)]
            features[column] = count * 1.0 if each.aggregate == "count" else total / np.maximum(count, 1)
    return features


def windows_one_by_one(
    history: History,
    arrivals: Arrived,
    spans: Sequence[Span],
    keep_s: int,
    exact_events: int,
) -> tuple[Ints, Ints]:
    """Counts and sums, (spans, n), of one entity's transactions.

    Each sees the history, those before it, and itself. history: times, counts and sums. arrivals: times, sums
    and late flags, in the order in which they count.
    """
    known = len(history[0])
    time_s, added, late = arrivals
    found = np.zeros((2, len(spans), len(time_s)), np.int64)
    times = np.concatenate([history[0], time_s])
    counts = np.concatenate([history[1], np.ones(len(time_s), np.int64)])
    totals = np.concatenate([history[2], added])
    stays = np.concatenate([np.ones(known, np.bool_), ~late])
    for i in range(len(time_s)):
        seen = stays[: known + i + 1].copy()
        seen[-1] = True
        bag = (times[: known + i + 1][seen], counts[: known + i + 1][seen], totals[: known + i + 1][seen])
        for number, span in enumerate(spans):
            found[:, number, i] = _window(bag, span, keep_s, exact_events)
    return found[0], found[1]


def _window(bag: History, span: Span, keep_s: int, exact_events: int) -> tuple[int, int]:
    """Count and sum over (now - delay - window, now - delay]; the bag's last record is the transaction."""
    (time_s, counts, totals), (delay_s, window_s) = bag, span
    now, newest = int(time_s[-1]), int(time_s.max())
    floor = newest - newest % HOUR_S - keep_s
    end = now - delay_s
    start = min(max(end - window_s, floor), end)
    if not delay_s and start == end:
        return int(counts[-1]), int(totals[-1])
    tiled_before = tiles_end(time_s, counts, exact_events)
    # Among tiles everything lies at the start of its hour, the window's edges too.
    where, edges = (_tiled(at, tiled_before) for at in (time_s, np.array([start, end])))
    inside = (where > edges[0]) & (where <= edges[1])
    return int(counts[inside].sum()), int(totals[inside].sum())


def _tiled(time_s: Ints, tiled_before: int) -> Ints:
    return np.where(time_s < tiled_before, hour_of(time_s), time_s)
