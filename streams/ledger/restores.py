"""What a ledger that was put back from a backup says of it: another name, and what had been sent before."""

from datetime import datetime
from typing import NamedTuple

from streams.codecs import encode
from streams.ledger.audit import note
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.reading import one
from streams.reconcile.ports import Restored
from streams.topics import Partition

RENAME = "UPDATE ledger SET ledger_id = gen_random_uuid() RETURNING ledger_id::text"
ADD = """
    INSERT INTO restores (backup, taken_at, former_ledger, progress, sent) VALUES (%s, %s, %s, %s, %s)
"""
ALL = "SELECT progress, sent FROM restores ORDER BY restore_id"


class Origin(NamedTuple):
    """Which backup a ledger comes from. former: the id of the ledger that it is of."""

    backup: str
    taken_at: datetime
    former: str


class PostgresRestores:
    """Marks a ledger as restored, before anybody uses it."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def begin_anew(self, origin: Origin, restored: Restored, *, actor: str, why: str) -> str:
        """Give the ledger a new id, so that every view is rebuilt, and note where it comes from. The new id.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection, connection.transaction():
            ledger_id = str(one(connection, RENAME))
            values = [*origin, encode(_nested(restored)).decode(), encode(_named(restored)).decode()]
            connection.execute(ADD, values)
            words = {"actor": actor, "why": why, "backup": origin.backup}
            note(connection, "restore", "ledger", origin.former, ledger_id, **words)
            return ledger_id

    def close(self) -> None:
        self._connector.close()


def restores(connection: TimedConnection) -> list[Restored]:
    """Oldest first."""
    return [_restored(*row) for row in connection.execute(ALL).fetchall()]


def _nested(restored: Restored) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for partition, offset in restored.progress.items():
        found.setdefault(partition.topic_id, {})[str(partition.number)] = offset
    return found


def _named(restored: Restored) -> dict[str, dict[str, int]]:
    return {
        topic: {str(number): offset for number, offset in ends.items()}
        for topic, ends in restored.sent.items()
    }


def _restored(progress: dict[str, dict[str, int]], sent: dict[str, dict[str, int]]) -> Restored:
    return Restored(
        {
            Partition(topic_id, int(number)): offset
            for topic_id, offsets in progress.items()
            for number, offset in offsets.items()
        },
        {topic: {int(number): end for number, end in ends.items()} for topic, ends in sent.items()},
    )
