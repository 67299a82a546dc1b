"""Polling with a deadline: the one place of the stack that sleeps."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from models.errors import Unavailable

T = TypeVar("T")


class Clock(Protocol):
    def now(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK = SystemClock()


class TimedOut(Exception):
    """The deadline passed. `last` is the last reason for waiting, when there was one."""

    def __init__(self, last: Unavailable | None) -> None:
        super().__init__(str(last or "not yet"))
        self.last = last


def until(
    ready: Callable[[], T], *, within_s: float, clock: Clock = SYSTEM_CLOCK, every_s: float = 0.05
) -> T:
    """Ask until the answer is truthy and return it; Unavailable means not yet.

    Raises:
        TimedOut: it was not so within `within_s`; asked at least once.
    """
    deadline = clock.now() + within_s
    while True:
        last: Unavailable | None = None
        try:
            if answer := ready():
                return answer
        except Unavailable as error:
            last = error
        if clock.now() >= deadline:
            raise TimedOut(last)
        clock.sleep(every_s)
