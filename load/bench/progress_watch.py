"""Watching the ledger's progress from outside: what is committed, as another client sees it."""

import time
from collections.abc import Callable, Iterator

import psycopg

from models.errors import Unavailable

QUERY = """
    SELECT partition, next_offset FROM progress JOIN incarnations USING (incarnation) WHERE topic = %s
"""
STALLED_S = 60.0
ASK_EVERY_S = 0.002


class ProgressWatch:
    """The progress of one topic, read over a connection of its own."""

    def __init__(self, database_url: str, topic: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True, connect_timeout=10)
        self._topic = topic
        self._told: dict[int, int] = {}

    def close(self) -> None:
        self._connection.close()

    def now(self) -> dict[int, int]:
        return dict(self._connection.execute(QUERY, [self._topic]).fetchall())

    def total(self) -> int:
        return sum(self.now().values())

    def heard(self, within_s: float) -> Iterator[tuple[int, int]]:
        """Partitions and the offsets they have reached, asked for every 2 ms, for so long."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            now = self.now()
            yield from (now.items() - self._told.items())
            self._told = now
            time.sleep(ASK_EVERY_S)

    def wait(self, count: int, check: Callable[[], None], every_s: float = 0.01) -> float:
        """Wait until `count` records are settled; the moment (perf_counter) when that was seen.

        Raises:
            Unavailable: nothing has moved for a minute, or `check` says why nothing will.
        """
        last, moved_at = -1, time.perf_counter()
        while True:
            total, now = self.total(), time.perf_counter()
            if total >= count:
                return now
            if total != last:
                last, moved_at = total, now
            if now - moved_at > STALLED_S:
                raise Unavailable(f"the worker stands still at {total:,} of {count:,} records")
            check()
            time.sleep(every_s)
