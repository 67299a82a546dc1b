"""A deadline for calls of a client library that may never come back."""

from collections.abc import Callable
from math import ceil
from queue import Empty, SimpleQueue
from threading import Thread

Outcome = SimpleQueue[BaseException | None]

SLICE_S = 1.0


def finish_within(timeout_s: float, call: Callable[[], object]) -> None:
    """Make a call on a thread of its own, which is left behind if it does not come back.

    Raises:
        TimeoutError: it did not; whatever it holds must not be used any more.
    """
    outcome: Outcome = SimpleQueue()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            outcome.put(error)
        else:
            outcome.put(None)

    Thread(target=run, name="deadline", daemon=True).start()
    if (error := _awaited(outcome, timeout_s)) is not None:
        raise error


def _awaited(outcome: Outcome, timeout_s: float) -> BaseException | None:
    """In slices: a process that stood still as a whole has not waited for all that time."""
    slices = ceil(timeout_s / SLICE_S)
    for _ in range(slices):
        try:
            return outcome.get(timeout=timeout_s / slices)
        except Empty:
            continue
    raise TimeoutError(f"no answer within {timeout_s:g} s")
