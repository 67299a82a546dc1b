"""Turns: many workers, one of which runs at a time, and only as long as the scheduler lets it.

Each has a thread of its own, but the threads hand over to each other like runners of a relay: what happens
depends on the seed alone, never on the machine.
"""

from _thread import LockType, allocate_lock
from collections.abc import Callable
from threading import Thread


class Crashed(BaseException):
    """The process is gone. Not an Exception: nothing in the pipeline may catch it."""


class Task:
    """One worker's thread of work. It begins when it is first resumed."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._mine, self._scheduler = _taken(), _taken()
        self._doomed = False
        self._thread = Thread(target=self._run, daemon=True)
        self.started = False
        self.done = False
        self.failure: BaseException | None = None

    def resume(self) -> None:
        """Let it run until it pauses or ends."""
        if not self.started:
            self.started = True
            self._thread.start()
        self._mine.release()
        self._scheduler.acquire()
        if self.done:
            self._thread.join()

    def pause(self) -> None:
        """Called by the work itself: the scheduler's turn.

        Raises:
            Crashed: the scheduler has decided so meanwhile.
        """
        self._scheduler.release()
        self._mine.acquire()
        if self._doomed:
            raise Crashed

    def kill(self) -> None:
        """End the work where it stands."""
        if self.done:
            return
        self._doomed = True
        if self.started:
            self.resume()
        self.done = True

    def _run(self) -> None:
        self._mine.acquire()
        try:
            self._work()
        except BaseException as failure:
            self.failure = failure
        self.done = True
        self._scheduler.release()


def _taken() -> LockType:
    lock = allocate_lock()
    lock.acquire()
    return lock
