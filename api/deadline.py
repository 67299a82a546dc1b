"""The time that one request may take, carried through everything that is done for it."""

from collections.abc import Callable, Mapping

from models.errors import NoTimeLeft

TOTAL_S = 0.25
# What is shared out is less than the whole: the rest, 30 ms of 250, is the answer's own.
SHARES: Mapping[str, float] = {
    "admit": 0.08,
    "features": 0.12,
    "score": 0.12,
    "ledger": 0.32,
    "produce": 0.24,
}


class Deadline:
    """A budget that begins when it is made. clock: seconds, monotonic."""

    def __init__(self, total_s: float, clock: Callable[[], float]) -> None:
        self.total_s = total_s
        self._clock = clock
        self._ends_s = clock() + total_s

    def remaining_s(self) -> float:
        return max(0.0, self._ends_s - self._clock())

    def take(self, at_most_s: float, needs_s: float = 0.0) -> float:
        """The time-out, in seconds, of a call made now: what remains, but at most so much.

        needs_s: what the call takes on a bad day, its p99. With less, it would cost time and then fail.

        Raises:
            NoTimeLeft: nothing remains, or less than the call needs. The call is to be skipped.
        """
        timeout_s = min(at_most_s, self.remaining_s())
        if timeout_s <= 0 or timeout_s < needs_s:
            raise NoTimeLeft(
                f"{timeout_s * 1000:.0f} ms are left for a call that needs {needs_s * 1000:.0f} ms"
            )
        return timeout_s

    def share(self, name: str, needs_s: float = 0.0) -> float:
        """As `take`, of the part of the budget that is meant for a step (`SHARES`)."""
        return self.take(SHARES[name] * self.total_s, needs_s)
