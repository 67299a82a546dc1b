"""Calls that other threads leave for one thread to make."""

from collections.abc import Callable
from queue import Empty, SimpleQueue

Call = Callable[[], None]


class Mailbox:
    def __init__(self) -> None:
        self._calls: SimpleQueue[Call] = SimpleQueue()

    def put(self, call: Call) -> None:
        self._calls.put(call)

    def obey(self, wait_s: float) -> None:
        """Make the calls that are there; wait so long for the first one."""
        try:
            self._calls.get(timeout=wait_s)() if wait_s else self._calls.get_nowait()()
            while True:
                self._calls.get_nowait()()
        except Empty:
            return
