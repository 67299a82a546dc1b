"""Reading the ledger in bulk: all rows in the order of their owners, a chunk at a time, from one snapshot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import psycopg

from models.decision import DecidedTransaction
from streams.ledger.connection import Connector
from streams.ledger.reading import DECIDED, documents_of

CHUNK_ROWS = 20_000

OWNED = """
    SELECT topic_id, partition, "offset", transaction_id, decision::text, late, customer_id, terminal_id,
        amount_minor, floor(extract(epoch FROM event_time))::bigint
    FROM decisions LEFT JOIN incarnations USING (incarnation)
"""
MARKS = """
    SELECT topic_id, labels.partition, labels."offset", terminal_id,
        floor(extract(epoch FROM decisions.event_time))::bigint, delta
    FROM labels JOIN incarnations USING (incarnation)
    JOIN decisions ON decisions.transaction_id = labels.transaction_id
    WHERE delta <> 0 AND NOT late
"""
EXPORTED = DECIDED.replace("FROM decisions", ", features, feature_names FROM decisions")


VERDICTS = "SELECT transaction_id, decision::text FROM decisions WHERE transaction_id = ANY(%s)"


class OwnedRow(NamedTuple):
    """A decision by its owner; topic_id is None while a decision made by REST waits for its record."""

    topic_id: str | None
    partition: int | None
    offset: int | None
    transaction_id: str
    decision: str
    late: bool
    customer_id: str
    terminal_id: str
    amount_minor: int
    time_s: int


class MarkRow(NamedTuple):
    """What one accepted label changed."""

    topic_id: str
    partition: int
    offset: int
    terminal_id: str
    time_s: int
    delta: int


class ExportedRow(NamedTuple):
    decided: DecidedTransaction
    feature_names: list[str]
    features: "np.ndarray[Any, np.dtype[np.float32]]"


class LedgerScan:
    """Long reads, on a connection of their own."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._connector = Connector(url, timeout_s, "fraudml-scan")

    def close(self) -> None:
        self._connector.close()

    def decisions(self) -> Iterator[list[OwnedRow]]:
        yield from ([OwnedRow(*row) for row in chunk] for chunk, _ in self._chunks(OWNED))

    def marks(self) -> Iterator[list[MarkRow]]:
        yield from ([MarkRow(*row) for row in chunk] for chunk, _ in self._chunks(MARKS))

    def exported(self) -> Iterator[list[ExportedRow]]:
        """Every decision with the features it was made on, in the order of event time."""
        for chunk, names in self._chunks(EXPORTED + " ORDER BY event_time, transaction_id"):
            found = documents_of(chunk, names)
            yield [
                ExportedRow(decided, extra["feature_names"], np.frombuffer(extra["features"], "<f4"))
                for decided, _, extra in found
            ]

    def verdicts(self, transaction_ids: Sequence[str]) -> dict[str, str]:
        """What was decided on each of these; without those that are not decided."""
        with self._connector.use() as connection:
            return dict(connection.execute(VERDICTS, [list(transaction_ids)]).fetchall())

    def _chunks(self, query: str) -> Iterator[tuple[list[Sequence[Any]], list[str]]]:
        with self._connector.use() as connection, connection.transaction(), _named(connection) as cursor:
            cursor.execute(query)
            names = [each.name for each in cursor.description or ()]
            while chunk := cursor.fetchmany(CHUNK_ROWS):
                yield chunk, names


@contextmanager
def _named(connection: Any) -> Iterator["psycopg.ServerCursor[Any]"]:
    with connection.cursor("scan") as cursor:
        cursor.itersize = CHUNK_ROWS
        yield cursor
