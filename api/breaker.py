"""Leaves a dependency alone that has failed too often, so that requests do not wait for what will fail.

Written here: purgatory, pybreaker, aiobreaker and circuitbreaker open after failures in a row, never on
a share of them, and take no clock.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from models.errors import BreakerOpen, FraudError, Unavailable


@dataclass(frozen=True, slots=True)
class Rule:
    """Opens at `share` failures of `at_least` calls or more within `within_s`, or at `in_a_row` failures."""

    share: float = 0.5
    at_least: int = 20
    within_s: float = 10.0
    in_a_row: int = 5
    probe_every_s: float = 5.0


DEFAULT = Rule()
# For what nobody else can answer: tried sooner, since what failed may only have been slow.
URGENT = Rule(in_a_row=3, probe_every_s=0.5)


class Breaker:
    """One dependency's breaker. For one event loop. clock: seconds, monotonic.

    is_open: for a metric. While true, one call per `probe_every_s` goes through; one that succeeds closes it.
    """

    def __init__(self, dependency: str, clock: Callable[[], float], rule: Rule = DEFAULT) -> None:
        self.dependency = dependency
        self.is_open = False
        self._clock = clock
        self._rule = rule
        self._probe_at_s = 0.0
        self._turns = 0
        self._calls: deque[tuple[float, bool]] = deque()  # when they ended, and whether they failed
        self._failures = 0
        self._in_a_row = 0

    def under(self, rule: Rule) -> "Breaker":
        """Another one for the same dependency."""
        return Breaker(self.dependency, self._clock, rule)

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call, which may be awaited within.

        Unavailable and TimeoutError are failures. Any other error that we name is an answer, so a success.
        What says nothing of the dependency, a cancelled request or a mistake of ours, is not counted.

        Raises:
            BreakerOpen: the call must not be made now.
        """
        self._admit()
        turn = self._turns
        try:
            yield
        except (Unavailable, TimeoutError):
            self._record(turn, failed=True)
            raise
        except FraudError:
            self._record(turn, failed=False)
            raise
        else:
            self._record(turn, failed=False)

    def _admit(self) -> None:
        if not self.is_open:
            return
        now_s = self._clock()
        if now_s < self._probe_at_s:
            raise BreakerOpen(
                f"{self.dependency} is left alone", why=f"next probe in {self._probe_at_s - now_s:.1f} s"
            )
        # Not when the probe ends: one that hangs, or whose caller goes away, must not be the last.
        self._probe_at_s = now_s + self._rule.probe_every_s

    def _record(self, turn: int, failed: bool) -> None:
        if turn != self._turns:
            return  # The call began before the breaker opened or closed: it says nothing of now.
        if self.is_open:
            if not failed:
                self._turn(is_open=False)
            return
        self._count(failed)
        if self._too_many():
            self._turn(is_open=True)
            self._probe_at_s = self._clock() + self._rule.probe_every_s

    def _count(self, failed: bool) -> None:
        now_s = self._clock()
        self._calls.append((now_s, failed))
        self._failures += failed
        self._in_a_row = self._in_a_row + 1 if failed else 0
        while self._calls[0][0] <= now_s - self._rule.within_s:
            self._failures -= self._calls.popleft()[1]

    def _too_many(self) -> bool:
        calls, rule = len(self._calls), self._rule
        return self._in_a_row >= rule.in_a_row or (
            calls >= rule.at_least and self._failures >= rule.share * calls
        )

    def _turn(self, is_open: bool) -> None:
        self.is_open = is_open
        self._turns += 1
        self._calls.clear()
        self._failures = 0
        self._in_a_row = 0
