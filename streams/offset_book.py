"""What a poller owes the group, and when it may commit that. Belongs to the poller's thread."""

from collections import Counter
from collections.abc import Callable, Set
from typing import Any

from streams.lanes import Lanes
from streams.offsets import Offsets, OwedOffsets, Place


class OffsetBook:
    """starting: of partitions just given to us, to be committed before their first sweep. clock: seconds."""

    def __init__(self, lanes: Lanes, interval_s: float, clock: Callable[[], float]) -> None:
        self._lanes = lanes
        self._interval_s = interval_s
        self._clock = clock
        self.starting = OwedOffsets()
        self._owed = OwedOffsets()
        self._outbound: Counter[Place] = Counter()
        self._gone: set[Place] = set()
        self._due: set[Place] = set()
        self._committed_at = clock()

    @property
    def owes(self) -> bool:
        return bool(self._owed or self.starting)

    @property
    def is_at_rest(self) -> bool:
        """Whether no sweep is under way, and nothing waits to go out."""
        return not self._lanes and not self._outbound

    @property
    def _under_way(self) -> Set[Place]:
        """Partitions that a transaction under way or one to come may be committing more of."""
        return self._lanes.places | self._outbound.keys()

    def later(self, offsets: Offsets) -> None:
        """Not where a rebalance came while the sweep was in work: another worker may have committed more."""
        self._owed.later({place: offset for place, offset in offsets.items() if place not in self._gone})

    def done(self, offsets: Offsets) -> None:
        self._owed.drop(offsets)

    def waits(self, offsets: Offsets) -> None:
        """A sweep's offsets wait to go out."""
        self._outbound.update(offsets.keys())

    def through(self, offsets: Offsets) -> None:
        """They wait no more."""
        self._outbound -= Counter(offsets.keys())
        self._lanes.withheld &= self._outbound.keys()
        self._gone &= self._under_way

    def leave(self, lane: int) -> None:
        """The sweep of a lane is done with."""
        self._lanes.leave(lane)
        self._gone &= self._under_way

    def keep(self, consumer: Any) -> bool:
        """Commit what has been owed for long; whether another interval is over."""
        is_over = self._clock() - self._committed_at >= self._interval_s
        if is_over:
            self._committed_at = self._clock()
            self._due |= self._owed.places
        # A partition that is always under way is free between two sweeps, which is now.
        if self._due - self._under_way:
            self.commit(consumer)
            self._due &= self._under_way
        return is_over

    def commit(self, consumer: Any) -> None:
        """Commit what is owed, but for what is under way, whose transactions may be committing more."""
        self._owed.commit(consumer, self._under_way)

    def drop(self, places: Set[Place]) -> None:
        """They belong to another worker now. If they come back, what waits of them goes out first."""
        self._lanes.withheld |= places & self._outbound.keys()
        self._gone |= places & self._under_way
        self._owed.drop(places)
        self.starting.drop(places)

    def forget(self) -> None:
        """All is read again from what is committed."""
        self._owed.clear()
