"""Again and again while a dependency is away, for as long as a worker waits for anything."""

from collections.abc import Callable
from typing import Any

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay
from tenacity.stop import stop_any, stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from models.errors import Unavailable
from streams.metrics import Metrics
from streams.watchdog import Watchdog

log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 5.0


class Insistence:
    """Calls until it succeeds, and lets watchdog and metrics know that it waits.

    stop: set when the worker is told to go. give_up_s: how long to wait. lane: by which number watchdog and
    metrics know who waits.
    """

    def __init__(
        self, *, metrics: Metrics, watchdog: Watchdog, stop: Any, give_up_s: float, lane: int
    ) -> None:
        self._metrics = metrics
        self._watchdog = watchdog
        self._lane = lane
        self._patience = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_any(stop_after_delay(give_up_s), stop_when_event_set(stop)),
            wait=wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
            sleep=stop.wait,
            before_sleep=lambda state: self._note(state.outcome.exception() if state.outcome else None),
            reraise=True,
        )

    def __call__(self, call: Callable[..., None], *values: Any) -> None:
        """
        Raises:
            Unavailable: the dependency stayed away for too long, or the worker is told to go.
        """
        self._watchdog.began(self._lane)
        try:
            try:
                call(*values)
            except Unavailable as error:
                self._note(error)
                self._patience(call, *values)
        finally:
            self._watchdog.ended(self._lane)

    def over(self) -> None:
        """Nobody waits any more."""
        self._metrics.waits(self._lane, False)

    def _note(self, error: BaseException | None) -> None:
        self._watchdog.alive(self._lane)
        self._metrics.waits(self._lane, True)
        self._metrics.retries.labels(getattr(error, "code", "unknown")).inc()
        log.warning("dependency_unavailable", why=str(error))
