"""What happens too often to have a row of the audit table each time: one row for each thing and minute."""

from collections import Counter
from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

import structlog

from models.errors import FraudError

log = structlog.get_logger(__name__)

EVERY_S = 60.0
# Whoever makes many things happen at once must not fill the table with them.
MOST_ROWS = 100
OTHERS = "others"

Note = Callable[..., None]


class Burst(NamedTuple):
    """counts: of what, how many. first: what is told of the first of them."""

    counts: Counter[str]
    first: Mapping[str, Any]


class Bursts:
    """Gathers from any thread, and writes on one of its own.

    note: as `PostgresAudit.note`; called by that thread alone. words: what all rows have in common: action,
    after, actor, why, outcome. What could not be written waits for the next time, at most `most_rows` things
    apart and all others as one.
    """

    def __init__(
        self, note: Note, *, every_s: float = EVERY_S, most_rows: int = MOST_ROWS, **words: Any
    ) -> None:
        self._note = note
        self._words = words
        self._every_s = every_s
        self._most_rows = most_rows
        self._lock = Lock()
        self._gathered: dict[str, Burst] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="bursts", daemon=True)

    def add(self, what: str, counts: Mapping[str, int], first: Mapping[str, Any]) -> None:
        """what: the object of the row. Costs a microsecond or so, and never fails."""
        with self._lock:
            if what not in self._gathered and len(self._gathered) >= self._most_rows:
                what, first = OTHERS, {}
            self._gathered.setdefault(what, Burst(Counter(), first)).counts.update(counts)

    def write(self) -> None:
        """A row for each thing that was gathered.

        Raises:
            LedgerUnavailable: Postgres cannot be reached; what was not written is kept.
        """
        with self._lock:
            waiting, self._gathered = self._gathered, {}
        try:
            while waiting:
                what, burst = next(iter(waiting.items()))
                self._write(what, burst)
                del waiting[what]
        finally:
            for what, burst in waiting.items():
                self.add(what, burst.counts, burst.first)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after writing what there is, if it can be written."""
        self._stop.set()
        self._thread.join()

    def _write(self, what: str, burst: Burst) -> None:
        words = {**self._words, **burst.counts, **burst.first}
        self._note(words.pop("action"), what, None, words.pop("after"), **words)

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stop.wait(self._every_s)
            try:
                self.write()
            except FraudError as error:
                log.warning("bursts_not_noted", why=str(error))
