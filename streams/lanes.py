"""Sweeps under way, each in a lane of its own. A partition is in one of them at most.

While one waits for the ledger's disk, another is folded and scored. Between two lanes there is no more order
than between two workers, which own different partitions as well. Belongs to the poller's thread.
"""

from collections.abc import Callable, Set
from dataclasses import replace
from typing import NamedTuple

from streams.arrivals import Sweep
from streams.offsets import Place

# Smaller sweeps are not worth dividing: each costs what it costs, however few records it has.
BACKLOG_RECORDS = 512
# A sweep that takes longer than most is waited for no more.
PROMPT_S = 0.1


class UnderWay(NamedTuple):
    sweep: Sweep
    places: frozenset[Place]
    since_s: float


class Lanes:
    """count: how many sweeps may be under way. clock: in seconds. few: fewer records than these are no
    backlog. withheld: partitions that none may be taken of for now.
    """

    def __init__(self, count: int, clock: Callable[[], float], few: int = BACKLOG_RECORDS) -> None:
        self._free = list(range(count))
        self._clock = clock
        self._under_way: dict[int, UnderWay] = {}
        self.few = few
        self.withheld: set[Place] = set()

    def __bool__(self) -> bool:
        return bool(self._under_way)

    @property
    def full(self) -> bool:
        return not self._free

    @property
    def free(self) -> int:
        """How many more sweeps may be taken."""
        return len(self._free)

    @property
    def prompt(self) -> bool:
        """Whether a sweep is under way that should be done soon: a small one that is not old."""
        return any(
            len(each.sweep) < self.few and self._clock() - each.since_s < PROMPT_S
            for each in self._under_way.values()
        )

    @property
    def sweeps(self) -> list[Sweep]:
        return [each.sweep for each in self._under_way.values()]

    @property
    def places(self) -> Set[Place]:
        """The partitions whose records are under way, or withheld."""
        return self.withheld.union(*(each.places for each in self._under_way.values()))

    def take(self, sweep: Sweep) -> Sweep:
        """The sweep with the number of a lane that was free, the lowest first."""
        self._free.sort()
        lane = self._free.pop(0)
        self._under_way[lane] = UnderWay(replace(sweep, lane=lane), sweep.places(), self._clock())
        return self._under_way[lane].sweep

    def leave(self, lane: int) -> None:
        """A sweep is done with."""
        del self._under_way[lane]
        self._free.append(lane)
