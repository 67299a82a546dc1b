"""What a gateway does again and again, on a thread of its own; what fails is told, and tried again."""

from collections.abc import Callable
from threading import Event, Thread

import structlog

from models.errors import FraudError

log = structlog.get_logger(__name__)


class Turns:
    """failed: the event that is logged when a turn fails."""

    def __init__(self, name: str, turn: Callable[[], object], every_s: float, failed: str) -> None:
        self._turn = turn
        self._every_s = every_s
        self._failed = failed
        self._stop = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The turn that is under way is finished."""
        self._stop.set()
        self._thread.join()

    def safely(self, call: Callable[[], object]) -> None:
        try:
            call()
        except FraudError as error:
            log.warning(self._failed, why=str(error))

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.safely(self._turn)
