"""Again and again while a dependency is away, for as long as a worker waits for anything."""

from collections.abc import Callable
from typing import Any

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay
from tenacity.stop import stop_any, stop_when_event_set
from tenacity.wait import wait_exponential_jitter

from models.errors import Refused, Unavailable
from streams.metrics import Metrics
from streams.watchdog import Watchdog

log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 5.0


class Insistence:
    """Calls until it succeeds, is refused or is told to go; watchdog, metrics and log know how it stands.

    stop: set when the worker is told to go. give_up_s: how long to wait. lane: by which number watchdog and
    metrics know who waits. what: is done, as the log has it.
    """

    def __init__(
        self, *, metrics: Metrics, watchdog: Watchdog, stop: Any, give_up_s: float, lane: int, what: str
    ) -> None:
        self._metrics = metrics
        self._watchdog = watchdog
        self._stop = stop
        self._lane = lane
        self._what = what
        self._patience = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_any(stop_after_delay(give_up_s), stop_when_event_set(stop)),
            wait=wait_exponential_jitter(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
            sleep=stop.wait,
            before_sleep=lambda state: self._note(state.outcome.exception() if state.outcome else None),
            reraise=True,
        )

    def __call__(self, call: Callable[..., None], *values: Any) -> bool:
        """Whether it succeeded; if not, its records must be read again.

        Raises:
            Unavailable: the dependency stayed away for too long.
            Halt: going on would break the promise.
        """
        self._watchdog.began(self._lane)
        try:
            self._until_done(call, *values)
        except Refused as refusal:
            log.warning(f"{self._what}_refused", reason=refusal.code, why=str(refusal))
            self._metrics.refused.labels(refusal.code).inc()
            self._metrics.waits(self._lane, False)
            return False
        except Unavailable:
            if not self._stop.is_set():
                raise
            return False
        finally:
            self._watchdog.ended(self._lane)
        self._metrics.waits(self._lane, False)
        return True

    def _until_done(self, call: Callable[..., None], *values: Any) -> None:
        try:
            call(*values)
        except Unavailable as error:
            self._note(error)
            self._patience(call, *values)

    def _note(self, error: BaseException | None) -> None:
        self._watchdog.alive(self._lane)
        self._metrics.waits(self._lane, True)
        self._metrics.retries.labels(getattr(error, "code", "unknown")).inc()
        log.warning("dependency_unavailable", why=str(error))
