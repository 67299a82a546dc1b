"""A thread that asks something again and again, so that no request waits for the answer."""

from collections.abc import Callable
from threading import Event, Thread

import structlog

from models.errors import FraudError

log = structlog.get_logger(__name__)


class Lookout:
    """what: in the log, and the thread's name. look: what fails changes nothing, and is logged when it begins
    to. `start` and `stop` belong to one thread."""

    def __init__(self, what: str, look: Callable[[], None], every_s: float) -> None:
        self._what = what
        self._look = look
        self._every_s = every_s
        self._failing = ""
        self._stop = Event()
        self._thread = Thread(target=self._watch, name=what, daemon=True)

    def start(self) -> None:
        """Look once, in this thread, and from then on in another."""
        self.look_again()
        self._thread.start()

    def stop(self) -> None:
        """Look no more; waits for a look that is under way."""
        self._stop.set()
        self._thread.join()

    def look_again(self) -> None:
        """One look that raises nothing of ours."""
        try:
            self._look()
        except FraudError as error:
            if error.code != self._failing:
                log.warning("not_looked_up", what=self._what, why=str(error))
            self._failing = error.code
        else:
            self._failing = ""

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look_again()
