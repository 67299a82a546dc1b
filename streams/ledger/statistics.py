"""Counts, kept as decisions are written; how long they took, how far partitions are, and what waits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.latencies import Taken, latencies
from streams.ledger.rounds import Round, newest

# Summed before it is known who decided: there are many rows, and few scorings.
COUNTS = """
    SELECT at, variant, path::text, degraded_reason, sum(approve)::bigint, sum(review)::bigint,
        sum(decline)::bigint
    FROM (
        SELECT date_bin(make_interval(secs => %s), minute, 'epoch') AS at, scoring_id, path, degraded_reason,
            sum(approve) AS approve, sum(review) AS review, sum(decline) AS decline
        FROM decision_counts WHERE minute >= %s AND minute < %s
        GROUP BY 1, scoring_id, path, degraded_reason
    ) AS counted JOIN scorings USING (scoring_id)
    GROUP BY at, variant, path, degraded_reason
    ORDER BY at, variant, path, degraded_reason
"""
# Of a topic that was made again, its last incarnation.
PARTITIONS = """
    SELECT topic, partition, next_offset FROM progress JOIN incarnations USING (incarnation)
    WHERE topic = ANY(%s) AND incarnation IN (SELECT max(incarnation) FROM incarnations GROUP BY topic)
    ORDER BY topic, partition
"""
DEAD_LETTERS = """
    SELECT topic, reason, count(*) FROM dead_letters JOIN incarnations USING (incarnation)
    WHERE recorded_at >= %s AND recorded_at < %s GROUP BY topic, reason ORDER BY topic, reason
"""
UNCLAIMED = "SELECT count(*), min(decided_at) FROM decisions WHERE incarnation IS NULL"
PARKED = "SELECT count(*), min(parked_at) FROM parked_labels"
COUNTED_AT = "SELECT statement_timestamp()"


class Cell(msgspec.Struct, frozen=True):
    """How many decisions of one kind."""

    variant: str
    path: str
    degraded_reason: str | None
    approve: int
    review: int
    decline: int


class Lane(msgspec.Struct, frozen=True):
    """One partition. settled: the first offset that the ledger has not settled. committed: that of the group.
    lag: records of the log that are not settled yet. None: Kafka could not be asked.
    """

    topic: str
    partition: int
    settled: int
    committed: int | None = None
    end: int | None = None
    lag: int | None = None


class Dead(msgspec.Struct, frozen=True):
    topic: str
    reason: str
    count: int


class Waiting(msgspec.Struct, frozen=True):
    """oldest_at: since when the one has waited that waits longest."""

    count: int
    oldest_at: datetime | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """counted_at: the ledger's clock, as the snapshot was taken. cells: by the beginning of their interval,
    ascending; so are latencies. reconciled: the last round of the background check.
    """

    counted_at: datetime
    cells: Sequence[tuple[datetime, Cell]]
    latencies: Sequence[Taken]
    reconciled: Round | None
    partitions: Sequence[Lane]
    dead_letters: Sequence[Dead]
    unclaimed: Waiting
    parked: Waiting


class PostgresStatistics:
    """Over one connection of its own."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def close(self) -> None:
        self._connector.close()

    def figures(self, since: datetime, until: datetime, interval_s: int, topics: Sequence[str]) -> Figures:
        """All from one snapshot. since, until: multiples of the interval, which is one of whole minutes.

        Raises:
            LedgerUnavailable: Postgres cannot be reached, or takes too long.
        """
        with self._connector.use() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = _figures(connection, since, until, interval_s, topics)
            connection.commit()
            return found


def _figures(
    connection: TimedConnection, since: datetime, until: datetime, interval_s: int, topics: Sequence[str]
) -> Figures:
    def rows(query: str, *values: Any) -> list[Any]:
        return connection.execute(query, values).fetchall()

    return Figures(
        counted_at=rows(COUNTED_AT)[0][0],  # the first: the snapshot is as old as it
        latencies=latencies(connection, since, until, interval_s),
        reconciled=newest(connection),
        cells=[(at, Cell(*counts)) for at, *counts in rows(COUNTS, interval_s, since, until)],
        partitions=[Lane(*row) for row in rows(PARTITIONS, list(topics))],
        dead_letters=[Dead(*row) for row in rows(DEAD_LETTERS, since, until)],
        unclaimed=Waiting(*rows(UNCLAIMED)[0]),
        parked=Waiting(*rows(PARKED)[0]),
    )


Offsets = Mapping[tuple[str, int], tuple[int | None, int]]  # committed and end, by topic and partition


def with_offsets(partitions: Sequence[Lane], offsets: Offsets) -> list[Lane]:
    """Partitions with what Kafka says of them; one that nobody has read yet is settled up to 0."""
    settled = {(each.topic, each.partition): each.settled for each in partitions}
    places = sorted(settled.keys() | offsets.keys())
    found = []
    for place in places:
        committed, end = offsets.get(place, (None, None))
        at = settled.get(place, 0)
        lag = None if end is None else max(0, end - at)
        found.append(Lane(*place, at, committed, end, lag))
    return found
