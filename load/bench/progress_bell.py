"""Being told of the ledger's progress the moment it is committed, instead of asking for it all the time.

A trigger on the table of progress notifies; Postgres delivers that after the commit is on disk. It is part of
the sweep's transaction, so a measured latency includes what it costs.
"""

import time
from collections.abc import Iterator

import psycopg

CHANNEL = "fraudml_progress"
INSTALL = f"""
    CREATE OR REPLACE FUNCTION tell_progress() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('{CHANNEL}', string_agg(incarnation || ':' || partition || ':' || next_offset, ','))
        FROM moved;
        RETURN NULL;
    END
    $$;
    CREATE OR REPLACE TRIGGER tell_progress AFTER UPDATE ON progress
        REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION tell_progress();
"""


class ProgressBell:
    """Rings for one topic. Installs its trigger: for a benchmark's own database only."""

    def __init__(self, database_url: str, topic: str) -> None:
        self._connection = psycopg.connect(database_url, autocommit=True, connect_timeout=10)
        self._connection.execute(INSTALL)
        row = self._connection.execute(
            "SELECT incarnation FROM incarnations WHERE topic = %s", [topic]
        ).fetchone()
        assert row is not None, "the topic has been read before it is measured"
        self._incarnation = int(row[0])
        self._connection.execute(f"LISTEN {CHANNEL}")

    def close(self) -> None:
        self._connection.close()

    def heard(self, within_s: float) -> Iterator[tuple[int, int]]:
        """Partitions and the offsets they have reached, as they come, for so long."""
        until = time.monotonic() + within_s
        for notice in self._connection.notifies(timeout=within_s):
            for part in notice.payload.split(","):
                incarnation, partition, next_offset = map(int, part.split(":"))
                if incarnation == self._incarnation:
                    yield partition, next_offset
            if time.monotonic() > until:
                return
