"""Healing beside the sweeps: for a worker that goes on deciding while its view is made anew."""

from collections.abc import Callable
from threading import Lock, Thread

import structlog

from models.errors import FraudError

log = structlog.get_logger(__name__)


class Healer:
    """Heals on a thread of its own, once at a time. heal: over stores of its own; may fail."""

    def __init__(self, heal: Callable[[], None]) -> None:
        self._heal = heal
        self._starting = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Heal, unless that is under way."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="healer", daemon=True)
                self._thread.start()

    def wait(self, within_s: float) -> None:
        """Until what is under way has ended."""
        if self._thread is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        try:
            self._heal()
        except FraudError as error:
            # Whoever still finds the view behind starts it again.
            log.warning("healing_failed", why=str(error))
