"""How long decisions took, as three quantiles of each path."""

from collections.abc import Sequence

import msgspec

from models.latency import Counts, no_counts, quantile_s
from streams.ledger.latencies import Taken


class Latency(msgspec.Struct, frozen=True):
    """path: `stream`, from the broker's timestamp until the decision was committed and applied; `rest`, from
    a request for a decision to its answer. A quantile is off by less than 10 %, or 0.5 ms; 60 says that it
    is more.
    """

    path: str
    count: int
    p50_s: float
    p95_s: float
    p99_s: float


def latency_of(taken: Sequence[Taken]) -> list[Latency]:
    """Of each path, over all of it."""
    sums: dict[str, Counts] = {}
    for each in taken:
        sums[each.path] = sums.get(each.path, no_counts()) + each.counts
    return [_latency(path, counts) for path, counts in sorted(sums.items())]


def _latency(path: str, counts: Counts) -> Latency:
    return Latency(path, int(counts.sum()), *(quantile_s(counts, percent) for percent in (50, 95, 99)))
