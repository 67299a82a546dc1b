"""Time that passes only where somebody waits for it, and a queue that waits in it."""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from queue import Empty
from typing import Any


class Clock:
    """A monotonic clock; what is planned happens at its time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._planned: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now_s

    def after(self, wait_s: float, action: Callable[[], Any]) -> None:
        heappush(self._planned, (self.now_s + wait_s, next(self._order), action))

    def step(self, until_s: float) -> bool:
        """The next planned thing up to a time; whether there was one."""
        if not self._planned or self._planned[0][0] > until_s:
            self.now_s = max(self.now_s, until_s)
            return False
        at_s, _, action = heappop(self._planned)
        self.now_s = max(self.now_s, at_s)
        action()
        return True

    def wait(self, wait_s: float) -> None:
        until_s = self.now_s + wait_s
        while self.step(until_s):
            pass


class Commands:
    """`queue.SimpleQueue`, waiting in virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._items: deque[Any] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get_nowait(self) -> Any:
        return self.get(timeout=0)

    def get(self, timeout: float) -> Any:
        until_s = self._clock.now_s + timeout
        while not self._items:
            if not self._clock.step(until_s):
                raise Empty
        return self._items.popleft()


class Stop:
    """`threading.Event`, waiting in virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set = False
        self.waits_s: list[float] = []

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float) -> bool:
        self.waits_s.append(timeout)
        until_s = self._clock.now_s + timeout
        while not self._set and self._clock.step(until_s):
            pass
        return self._set
