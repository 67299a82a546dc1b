"""Watching a peer's rows from outside: how far each partition is decided and committed."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from load.bench.progress_watch import ProgressWatch
from load.peers.place import Place

# Two steps into an index for each partition: as cheap as to read the progress that our own ledger keeps.
REACHED = """
    SELECT number, (SELECT max("offset") + 1 FROM {}.decisions WHERE partition = number)
    FROM unnest(%s::int[]) AS number
"""


class PeerWatch(ProgressWatch):
    """What `ProgressWatch` tells of our worker. A partition is taken to be decided below its highest row.

    starts: where a turn began, and so how far a partition without rows is.
    """

    def __init__(self, database_url: str, topic: str, place: Place) -> None:
        super().__init__(database_url, topic)
        self._query = sql.SQL(REACHED).format(sql.Identifier(place.schema))
        self._starts: Mapping[int, int] = {}

    def begin(self, starts: Mapping[int, int]) -> None:
        self._starts = dict(starts)
        self._told = {}

    def now(self) -> dict[int, int]:
        found: list[tuple[int, int | None]] = self._connection.execute(
            self._query, [list(self._starts)]
        ).fetchall()
        return {number: reached or self._starts[number] for number, reached in found}


def make_ledger(connection: "psycopg.Connection[tuple[object, ...]]", place: Place) -> None:
    """A table of decisions of the peer's own: our columns, without our indexes, checks and counters."""
    schema = sql.Identifier(place.schema)
    for statement in (
        "CREATE SCHEMA {}",
        "CREATE TABLE {}.decisions (LIKE public.decisions INCLUDING DEFAULTS, PRIMARY KEY (transaction_id))",
        'CREATE INDEX ON {}.decisions (partition, "offset")',
    ):
        connection.execute(sql.SQL(statement).format(schema))


def empty_ledger(connection: "psycopg.Connection[tuple[object, ...]]", place: Place) -> None:
    connection.execute(sql.SQL("TRUNCATE {}.decisions").format(sql.Identifier(place.schema)))
