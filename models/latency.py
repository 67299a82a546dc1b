"""How long decisions take, counted in buckets: narrow enough for any quantile, few enough to keep.

A bucket's upper edge is less than 10 % above its lower one, so that a quantile read from it is off by less
than 10 %; below the shortest edge by less than that edge. Beyond the longest one it is known that it is more,
and not by how much.
"""

from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike, NDArray

Counts = NDArray[np.int64]

SHORTEST_S, LONGEST_S = 0.0005, 60.0
# 123 steps from the one to the other, each of 9.98 %. A bucket holds its upper edge, and not its lower one.
EDGES_S: NDArray[np.float64] = np.geomspace(SHORTEST_S, LONGEST_S, 124)
BUCKETS = len(EDGES_S) + 1
OVER = BUCKETS - 1
_EDGES_S: list[float] = EDGES_S.tolist()


def no_counts() -> Counts:
    return np.zeros(BUCKETS, np.int64)


def counts_of(seconds: ArrayLike) -> Counts:
    """How many fall into each bucket, (BUCKETS,). What clocks that differ make negative is in the first."""
    return np.bincount(np.searchsorted(EDGES_S, seconds, side="left"), minlength=BUCKETS)


def bucket_of(seconds: float) -> int:
    """Of a single one, as `counts_of`."""
    return bisect_left(_EDGES_S, seconds)


def quantile_s(counts: Counts, percent: int) -> float:
    """The smallest that `percent` of all do not exceed, interpolated within its bucket: never an edge, but
    for LONGEST_S, which says that it is more.

    counts: (BUCKETS,), at least one.
    """
    rank = max(1, -(-percent * int(counts.sum()) // 100))
    reached = np.cumsum(counts)
    bucket = int(np.searchsorted(reached, rank, side="left"))
    if bucket == OVER:
        return LONGEST_S
    low, high = _EDGES_S[bucket - 1] if bucket else 0.0, _EDGES_S[bucket]
    before = int(reached[bucket] - counts[bucket])
    return low + (high - low) * (rank - 0.5 - before) / int(counts[bucket])
