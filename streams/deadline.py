"""A deadline for calls of a client library that may never come back."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread


def finish_within(timeout_s: float, call: Callable[[], object]) -> None:
    """Make a call on a thread of its own, which is left behind if it does not come back.

    Raises:
        TimeoutError: it did not; whatever it holds must not be used any more.
    """
    outcome: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            call()
        except BaseException as error:
            outcome.put(error)
        else:
            outcome.put(None)

    Thread(target=run, name="deadline", daemon=True).start()
    try:
        error = outcome.get(timeout=timeout_s)
    except Empty:
        raise TimeoutError(f"no answer within {timeout_s:g} s") from None
    if error is not None:
        raise error
