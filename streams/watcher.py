"""The watcher: a thread that looks up what is in force, and puts what is new in force between two sweeps."""

from collections.abc import Callable
from random import Random
from threading import Event, Thread

import structlog

from models.errors import FraudError
from models.scorer import Scorer

log = structlog.get_logger(__name__)

EVERY_S = 2.0


class Watcher:
    """Calls `look` every two seconds or so; what it answers is handed to `swap`.

    look: the new scorer, or None where nothing has changed. Failures change nothing, and are logged when
    they begin.
    """

    def __init__(
        self,
        look: Callable[[], Scorer | None],
        swap: Callable[[Scorer], None],
        *,
        random: Random,
        every_s: float = EVERY_S,
    ) -> None:
        self._look = look
        self._swap = swap
        self._random = random
        self._every_s = every_s
        self._failing = ""
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def once(self) -> None:
        """One look."""
        try:
            scorer = self._look()
        except FraudError as error:
            if error.code != self._failing:
                log.warning("not_looked_up", why=str(error))
            self._failing = error.code
            return
        self._failing = ""
        if scorer is not None:
            self._swap(scorer)

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s * self._random.uniform(0.75, 1.25)):
            self.once()
