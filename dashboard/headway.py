"""How partitions get on: whether they move, how fast, and whether they fall behind, between looks."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

OVER_S = 60.0
LEAST_APART_S = 1.0
# Shorter looks say nothing of a trend: a lag rises and falls with every sweep.
TREND_S = 20.0
TREND_LOOKS = 6
# A topic may end with so many offsets that are no records, but ends of transactions: they wait for nothing.
HOLES = 3

Place = tuple[str, int]


class Stand(NamedTuple):
    """Of one partition. lag: None while Kafka cannot be asked."""

    settled: int
    lag: int | None


class Look(NamedTuple):
    at_s: float
    stands: Mapping[Place, Stand]


class Way(NamedTuple):
    """settled_per_s: None at the first look. still_s: for how long records have waited and none was settled.
    grows: even the least of its late lags is more than all of its early ones.
    """

    settled_per_s: float | None
    still_s: float
    grows: bool


class Headway:
    """Over the last minute, as often as somebody looks."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque()

    def of(self, partitions: Sequence[Mapping[str, Any]], at_s: float) -> dict[Place, Way]:
        """partitions: as the gateway tells them. at_s: when the ledger told them."""
        while self._looks and not at_s - OVER_S <= self._looks[0].at_s <= at_s:
            self._looks.popleft()
        now = Look(at_s, {_place(each): Stand(each["settled"], each["lag"]) for each in partitions})
        if not self._looks or at_s - self._looks[-1].at_s >= LEAST_APART_S:
            self._looks.append(now)
        return {place: _way(list(self._stands(place, now)), at_s) for place in now.stands}

    def _stands(self, place: Place, now: Look) -> Iterator[tuple[float, Stand]]:
        for look in (*self._looks, now):
            if place in look.stands and look.at_s <= now.at_s:
                yield look.at_s, look.stands[place]


def _place(partition: Mapping[str, Any]) -> Place:
    return partition["topic"], partition["partition"]


def _way(stands: Sequence[tuple[float, Stand]], at_s: float) -> Way:
    first_s, first = stands[0]
    over_s, settled = at_s - first_s, stands[-1][1].settled - first.settled
    return Way(
        max(0, settled) / over_s if over_s > 0 else None, _still_s(stands, at_s), _grows(stands, over_s)
    )


def _still_s(stands: Sequence[tuple[float, Stand]], at_s: float) -> float:
    settled, since_s = stands[-1][1].settled, at_s
    for looked_s, stand in reversed(stands):
        if stand.settled != settled or (stand.lag or 0) <= HOLES:
            break
        since_s = looked_s
    return at_s - since_s


def _grows(stands: Sequence[tuple[float, Stand]], over_s: float) -> bool:
    lags = [stand.lag for _, stand in stands if stand.lag is not None]
    if over_s < TREND_S or len(lags) < max(TREND_LOOKS, len(stands)):
        return False
    half = len(lags) // 2
    return min(lags[half:]) > max(lags[:half])
