"""How long decisions took, on their way into the ledger: counted where they are made, written apart.

Whoever counts waits for nobody but, for some microseconds, the thread that takes what was counted. What was
counted since the last turn is lost with the process.
"""

from collections.abc import Mapping
from threading import Event, Lock, Thread
from typing import Protocol

import structlog
from numpy.typing import ArrayLike

from models.decision import Path
from models.errors import FraudError
from models.latency import Counts, bucket_of, counts_of, no_counts
from streams.ledger.latencies import PostgresLatencies
from streams.settings import Settings

log = structlog.get_logger(__name__)

EVERY_S = 1.0
MINUTE_S = 60
# While the ledger is away: a kilobyte for each minute in which anything was decided.
MOST_MINUTES = 24 * 60
MINUTES_AT_ONCE = 30
TIMEOUT_S = 2.0


class KeptLatencies(Protocol):
    """`streams.ledger.latencies.PostgresLatencies`, as this needs it."""

    def add(self, path: Path, minutes: Mapping[int, Counts]) -> None: ...
    def close(self) -> None: ...


class LatencyLog:
    """Counts from any thread, and writes on one of its own.

    path: of the decisions counted here. kept: used by that thread alone, and closed at the end. What could
    not be written waits for the next turn, at most `most_minutes`, the newest.
    """

    def __init__(
        self, path: Path, kept: KeptLatencies, *, every_s: float = EVERY_S, most_minutes: int = MOST_MINUTES
    ) -> None:
        self._path = path
        self._kept = kept
        self._every_s = every_s
        self._most_minutes = most_minutes
        self._lock = Lock()
        self._counted: dict[int, Counts] = {}
        self._waiting: dict[int, Counts] = {}  # the writing thread's own
        self._failing = ""
        self._stop = Event()
        self._thread = Thread(target=self._run, name="latencies", daemon=True)

    def add(self, seconds: ArrayLike, at_s: float) -> None:
        """Those of a sweep that was settled at `at_s`, in seconds since 1970."""
        counts = counts_of(seconds)
        with self._lock:
            self._minute(at_s)[:] += counts

    def add_one(self, seconds: float, at_s: float) -> None:
        bucket = bucket_of(seconds)
        with self._lock:
            self._minute(at_s)[bucket] += 1

    def write(self) -> None:
        """What was counted, oldest first.

        Raises:
            LedgerUnavailable: Postgres cannot be reached; what was not written is kept.
        """
        self._take()
        while self._waiting:
            some = {at_s: self._waiting[at_s] for at_s in sorted(self._waiting)[:MINUTES_AT_ONCE]}
            self._kept.add(self._path, some)
            for at_s in some:
                del self._waiting[at_s]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after writing what there is, if it can be written."""
        self._stop.set()
        self._thread.join()
        self._kept.close()

    def _minute(self, at_s: float) -> Counts:
        begins_s = int(at_s) // MINUTE_S * MINUTE_S
        if begins_s not in self._counted:
            self._counted[begins_s] = no_counts()
        return self._counted[begins_s]

    def _take(self) -> None:
        with self._lock:
            counted, self._counted = self._counted, {}
        for at_s, counts in counted.items():
            self._waiting[at_s] = self._waiting[at_s] + counts if at_s in self._waiting else counts
        oldest = sorted(self._waiting)[: -self._most_minutes]
        for at_s in oldest:
            del self._waiting[at_s]
        if oldest:
            log.warning("latencies_dropped", minutes=len(oldest), why="the ledger was away for too long")

    def _run(self) -> None:
        last = False
        while not last:
            last = self._stop.wait(self._every_s)
            self._turn()

    def _turn(self) -> None:
        """Whatever goes wrong, the next turn comes; it is said when it begins to."""
        try:
            self.write()
        except FraudError as error:
            self._fails(error.code, error)
        except Exception as error:
            self._fails(type(error).__name__, error)
        else:
            self._failing = ""

    def _fails(self, kind: str, error: Exception) -> None:
        if kind != self._failing:
            unnamed = None if isinstance(error, FraudError) else error
            log.warning("latencies_not_written", why=str(error), exc_info=unnamed)
        self._failing = kind


def latency_log_of(settings: Settings, path: Path) -> LatencyLog:
    """One of a process, over a connection of its own."""
    return LatencyLog(path, PostgresLatencies(settings.database_url, TIMEOUT_S, "fraudml-latencies"))
