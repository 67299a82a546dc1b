"""The watchdog: a worker that is stuck is worse than one that is dead."""

import faulthandler
import os
import sys
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

import structlog

from models.errors import FraudError, Halt, Unavailable

log = structlog.get_logger(__name__)

EXIT_STUCK = 70
EXIT_UNAVAILABLE = 75
EXIT_HALT = 78


class Watchdog:
    """Ends the process when records wait and nothing has happened for too long.

    Each lane tells when it begins and ends a sweep, and of every failed attempt: one that is stuck is told
    from the others, which go on. A poller that has fallen silent counts as records waiting.
    """

    def __init__(
        self, stuck_s: float, end: Callable[[], None], clock: Callable[[], float] = monotonic
    ) -> None:
        self._stuck_s = stuck_s
        self._end = end
        self._clock = clock
        self._alive_at = self._heard_at = clock()
        self._begun_at: dict[int, float] = {}
        self._lag = 0
        self._started = False
        self._stop = Event()

    def began(self, lane: int) -> None:
        self._begun_at[lane] = self._clock()

    def alive(self, lane: int | None = None) -> None:
        """Something has happened; in a lane, if it is told."""
        self._alive_at = self._clock()
        if lane in self._begun_at:
            self._begun_at[lane] = self._alive_at

    def ended(self, lane: int) -> None:
        self._begun_at.pop(lane, None)
        self.alive()

    def heard(self, lag: int) -> None:
        """The poller reports how many records wait."""
        self._heard_at = self._clock()
        if not lag:
            self._alive_at = self._heard_at
        self._lag = lag

    def is_stuck(self) -> bool:
        return self._idle_s() > self._stuck_s

    def stuck_for_s(self) -> float:
        """How long nothing has happened, from half the time on after which the process ends; 0 before.

        While it waits for a store at its start a worker is not ready, but not stuck.
        """
        idle_s = self._idle_s() if self._started else 0.0
        return idle_s if idle_s > self._stuck_s / 2 else 0.0

    def _idle_s(self) -> float:
        """How long the poller has been silent, or records have waited with nothing done for them."""
        now = self._clock()
        waiting_s = now - self._alive_at if self._lag > 0 else 0.0
        under_way_s = [now - begun_at for begun_at in tuple(self._begun_at.values())]
        return max(now - self._heard_at, waiting_s, *under_way_s)

    def start(self) -> None:
        self._heard_at = self._alive_at = self._clock()
        self._started = True
        Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.wait(min(1.0, self._stuck_s / 4)):
            if self.is_stuck():
                self._end()
                return


def end_stuck_process() -> None:
    log.critical("worker_stuck", next_step="the supervisor starts it again; the tracebacks follow")
    faulthandler.dump_traceback(file=sys.stderr)
    leave(EXIT_STUCK)


def crash(error: BaseException) -> None:
    """End the process at once: every step is safe to be cut off, and going on is not."""
    log.critical("worker_ends", why=str(error), kind=type(error).__name__, exc_info=_unexpected(error))
    leave(exit_code_of(error))


def exit_code_of(error: BaseException) -> int:
    if isinstance(error, Unavailable):
        return EXIT_UNAVAILABLE
    return EXIT_HALT if isinstance(error, Halt) else EXIT_STUCK


def _unexpected(error: BaseException) -> BaseException | None:
    return None if isinstance(error, FraudError) else error


def leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
