"""What the ledger's rows add to histories: all of it at one moment, by name, or what some offsets add.

Postgres sorts, on its disk where it must; here there is never more than some of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from psycopg import IsolationLevel

from models.features import ENTITIES, Entity
from models.history import EVENT, MARK
from streams.ledger.archived import histories_from_s
from streams.ledger.connection import Connector, TimedConnection
from streams.reconcile.ports import Piece, Spans, Wanted
from streams.topics import Partition

PIECE_RECORDS = 4096
FETCHED_PIECES = 200
SPOOLED_NAMES = 5000

CUSTOMER, TERMINAL = ENTITIES.index("customer"), ENTITIES.index("terminal")
TIME_S = "floor(date_part('epoch', decisions.event_time))::bigint"
# A row that came late is in no history, nor is a mark on one; a row without an owner is not applied yet.
RECORDS = f"""
    SELECT {CUSTOMER} AS entity, customer_id AS name, incarnation, partition, "offset", {TIME_S} AS time_s,
        amount_minor AS payload, {EVENT} AS kind
    FROM decisions WHERE NOT late
    UNION ALL
    SELECT {TERMINAL}, terminal_id, incarnation, partition, "offset", {TIME_S}, 0, {EVENT}
    FROM decisions WHERE NOT late
    UNION ALL
    SELECT {TERMINAL}, terminal_id, labels.incarnation, labels.partition, labels."offset", {TIME_S}, delta,
        {MARK}
    FROM labels JOIN decisions ON decisions.transaction_id = labels.transaction_id
    WHERE delta <> 0 AND NOT late
"""
PROGRESS = """
    SELECT topic_id, partition, next_offset FROM progress JOIN incarnations USING (incarnation)
    ORDER BY incarnation, partition
"""
PLACES = """
    SELECT incarnation, partition, row_number() OVER (ORDER BY incarnation, partition) - 1 AS place
    FROM progress
"""
SPANS = """
    SELECT incarnation, span.partition, start, stop, number - 1 AS place
    FROM unnest(%(topic_ids)s::text[], %(numbers)s::int[], %(starts)s::bigint[], %(stops)s::bigint[])
        WITH ORDINALITY AS span (topic_id, partition, start, stop, number)
    JOIN incarnations USING (topic_id)
"""
# One span after the other, each by the index of its owners: OFFSET 0 keeps Postgres from scanning it all.
IN_SPANS = f"""
    ({SPANS}) AS spans CROSS JOIN LATERAL (
        SELECT entity, name, "offset", time_s, payload, kind FROM ({RECORDS}) AS records
        WHERE records.incarnation = spans.incarnation AND records.partition = spans.partition
            AND records."offset" >= spans.start AND records."offset" < spans.stop OFFSET 0
    ) AS found
"""
OWN_RECORDS = f"""
    SELECT entity, name, place, "offset", time_s, payload, kind
    FROM ({RECORDS}) AS records JOIN ({PLACES}) AS places USING (incarnation, partition)
"""
CHOSEN_RECORDS = f"""
    {OWN_RECORDS} JOIN (SELECT DISTINCT entity, name FROM {IN_SPANS}) AS chosen USING (entity, name)
"""
SEEN_NAMES = "SELECT entity, name, NULL, NULL, NULL, NULL, NULL FROM seen_names"
PIECES = f"""
    SELECT entity, name, max(total), {{arrays}}
    FROM (
        SELECT *, count(place) OVER history AS total,
            (row_number() OVER history - 1) / {PIECE_RECORDS} AS piece
        FROM ({{records}}) AS records WINDOW history AS (PARTITION BY entity, name)
    ) AS numbered
    GROUP BY entity, name, piece ORDER BY entity, name, piece
"""
ARRAYS = ", ".join(
    f"array_agg({name}::bigint) FILTER (WHERE place IS NOT NULL)"
    for name in ("place", '"offset"', "time_s", "payload", "kind")
)
SETTLED = f"""
    SELECT entity, name, count(*), array_agg(place), array_agg("offset"), array_agg(time_s),
        array_agg(payload::bigint), array_agg(kind::bigint)
    FROM {IN_SPANS} WHERE (
        (entity = {CUSTOMER} AND name = ANY(%(customers)s))
        OR (entity = {TERMINAL} AND name = ANY(%(terminals)s))
    ) GROUP BY entity, name
"""
SPOOL = 'CREATE TEMP TABLE seen_names (entity smallint NOT NULL, name text COLLATE "C" NOT NULL)'
NOTHING = np.empty(0, np.int64)


class PostgresSnapshot:
    """`streams.reconcile.ports.Snapshot`: a transaction that reads."""

    def __init__(self, connection: TimedConnection, spans: Spans | None) -> None:
        self._connection = connection
        self._spans = spans
        self.progress = {
            Partition(topic_id, number): next_offset
            for topic_id, number, next_offset in connection.execute(PROGRESS).fetchall()
        }
        self.whole_from_s = histories_from_s(connection)

    def pieces(self) -> Iterator[Piece]:
        chosen = OWN_RECORDS if self._spans is None else CHOSEN_RECORDS
        query = PIECES.format(arrays=ARRAYS, records=f"{chosen} UNION ALL {SEEN_NAMES}")
        with self._connection.cursor("pieces", binary=True) as cursor:
            cursor.itersize = FETCHED_PIECES
            cursor.execute(query, _of_spans(self._spans or {}))
            yield from map(_piece, cursor)


@contextmanager
def snapshot(connector: Connector, wanted: Wanted) -> Iterator[PostgresSnapshot]:
    """The ledger at one moment, after the names that the view holds have been set down."""
    with connector.use() as connection:
        try:
            _spool(connection, wanted)
            connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            with connection.transaction():
                yield PostgresSnapshot(connection, wanted.spans)
        finally:
            # Whatever has happened: the names and the level end with the connection.
            connector.close()


def _spool(connection: TimedConnection, wanted: Wanted) -> None:
    connection.execute(SPOOL)
    with connection.cursor() as cursor, cursor.copy("COPY seen_names FROM STDIN") as copy:
        for entity, name in wanted.seen:
            copy.write_row((ENTITIES.index(entity), name))


def settled(connection: TimedConnection, spans: Spans, names: Mapping[Entity, Sequence[str]]) -> list[Piece]:
    """What these offsets add to the histories of these names."""
    whose = {"customers": list(names["customer"]), "terminals": list(names["terminal"])}
    return [_piece(row) for row in connection.execute(SETTLED, {**_of_spans(spans), **whose}, binary=True)]


def _of_spans(spans: Spans) -> dict[str, list[Any]]:
    return {
        "topic_ids": [partition.topic_id for partition in spans],
        "numbers": [partition.number for partition in spans],
        "starts": [start for start, _ in spans.values()],
        "stops": [stop for _, stop in spans.values()],
    }


def _piece(row: Sequence[Any]) -> Piece:
    entity, name, total, *columns = row
    return Piece(ENTITIES[entity], name, total, *(NOTHING if each is None else each for each in columns))
