"""Opening a program: waiting for what is not there yet, and keeping what has come."""

import gc
from threading import Event

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_any, stop_never, stop_when_event_set

from models.errors import FraudError, Unavailable

log = structlog.get_logger(__name__)


def patience(
    stop: Event, within_s: float | None = None, errors: tuple[type[FraudError], ...] = (Unavailable,)
) -> Retrying:
    """Calls again after such errors, until told to stop; the last one is raised then.

    within_s: at most for so long; None has no end.
    """
    late = stop_never if within_s is None else stop_after_delay(within_s)
    return Retrying(
        retry=retry_if_exception_type(errors),
        stop=stop_any(late, stop_when_event_set(stop)),
        wait=wait_exponential_jitter(multiplier=0.1, max=5.0),
        sleep=sleep_using_event(stop),
        before_sleep=lambda state: log.warning("waiting", why=str(state.outcome.exception())),  # type: ignore[union-attr]
        reraise=True,
    )


def keep_for_good(allocations: int) -> None:
    """What is loaded by now stays: looking through it again and again would stall whoever waits.

    allocations: after so many new objects those are looked through.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(allocations)
