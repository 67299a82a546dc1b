"""The time that one request may take."""

from collections.abc import Callable

TOTAL_S = 0.25


class Deadline:
    """A budget that begins when it is made. clock: seconds, monotonic."""

    def __init__(self, total_s: float, clock: Callable[[], float]) -> None:
        self.total_s = total_s
        self._clock = clock
        self._ends_s = clock() + total_s

    def remaining_s(self) -> float:
        return max(0.0, self._ends_s - self._clock())

    def used_s(self) -> float:
        return self.total_s - self._ends_s + self._clock()
