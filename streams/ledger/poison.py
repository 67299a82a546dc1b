"""Malformed records of the recent past, and how far somebody has allowed them to pass."""

from collections.abc import Mapping

from streams.codecs import NO_TRANSACTION
from streams.ledger import reading
from streams.ledger.connection import TimedConnection
from streams.ports import Poison
from streams.topics import Partition

RECENT = """
    SELECT "offset" FROM dead_letters JOIN incarnations USING (incarnation)
    WHERE topic_id = %s AND partition = %s AND "offset" >= %s AND "offset" < %s AND reason <> %s
    ORDER BY "offset"
"""
ALLOWED_UNTIL = """
    SELECT coalesce(max(until_offset), 0) FROM poison_allowances JOIN incarnations USING (incarnation)
    WHERE topic_id = %s AND partition = %s
"""
ALLOW = """
    INSERT INTO poison_allowances (incarnation, partition, until_offset) VALUES (%s, %s, %s)
    ON CONFLICT DO NOTHING
"""


def poison(
    connection: TimedConnection, topic_id: str, spans: Mapping[int, tuple[int, int]]
) -> dict[int, Poison]:
    found = {}
    for number, (start, stop) in spans.items():
        offsets = connection.execute(RECENT, [topic_id, number, start, stop, NO_TRANSACTION]).fetchall()
        until = connection.execute(ALLOWED_UNTIL, [topic_id, number]).fetchone()
        found[number] = Poison([offset for (offset,) in offsets], until[0] if until else 0)
    return found


def allow(connection: TimedConnection, topic: str, partition: Partition, until_offset: int) -> None:
    incarnation = reading.incarnation(connection, topic, partition.topic_id)
    connection.execute(ALLOW, [incarnation, partition.number, until_offset])
