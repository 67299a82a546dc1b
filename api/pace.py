"""How soon the next batch of what waits may go: at once while there is little, at a measured pace under load.

A batch has a cost of its own, here and in every store behind it. Whoever comes alone waits for nobody.
"""

import time
from collections.abc import Callable


class Pace:
    """apart_s: how long after a batch of `crowd` or more has begun the next may begin; after a smaller one it
    may at once. clock: seconds, monotonic.
    """

    def __init__(self, apart_s: float, crowd: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._apart_s = apart_s
        self._crowd = crowd
        self._clock = clock
        self._next_s = 0.0

    def wait_s(self) -> float:
        """How long the next batch has to wait yet."""
        return max(0.0, self._next_s - self._clock())

    def begins(self, count: int) -> None:
        """A batch of so many begins now."""
        self._next_s = self._clock() + self._apart_s if count >= self._crowd else 0.0


AT_ONCE = Pace(0.0, 1)
