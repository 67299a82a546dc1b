"""How long decisions took, by minute; and by longer spans too, so that months are read in few rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np

from models.decision import Path
from models.latency import Counts, no_counts
from streams.ledger.arrays import column, timestamps
from streams.ledger.connection import Connector, TimedConnection

# Each is kept whole. A reader takes the longest that fits into its interval.
SPANS_S = (60, 900, 4 * 3600)
# The session is the writer, so that no two ever wait for each other's rows. Read as sums over writers.
ADD = """
    INSERT INTO latency_counts AS held (span_s, at, path, bucket, writer, count)
    SELECT span_s, date_bin(make_interval(secs => span_s), minute, 'epoch'), %s::decision_path, bucket,
        pg_backend_pid(), sum(count)::bigint
    FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[]) AS came (minute, bucket, count),
        unnest(%s::integer[]) AS span_s
    GROUP BY 1, 2, bucket
    ON CONFLICT (span_s, at, path, bucket, writer) DO UPDATE SET count = held.count + excluded.count
"""
READ = """
    SELECT at, path, array_agg(bucket), array_agg(count) FROM (
        SELECT date_bin(make_interval(secs => %s), at, 'epoch') AS at, path::text, bucket,
            sum(count)::bigint AS count
        FROM latency_counts WHERE span_s = %s AND at >= %s AND at < %s
        GROUP BY 1, 2, bucket
    ) AS counted GROUP BY at, path ORDER BY at, path
"""


class Taken(NamedTuple):
    """How long decisions of one path took, by bucket, in the interval that begins at `at`."""

    at: datetime
    path: str
    counts: Counts


class PostgresLatencies:
    """Over one connection of its own."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def add(self, path: Path, minutes: Mapping[int, Counts]) -> None:
        """Add to what is counted already, all of it or nothing. minutes: by the epoch second they begin with.

        Raises:
            LedgerUnavailable: Postgres cannot be reached. Where only its answer was lost it may be done all
                the same.
        """
        table = np.stack(list(minutes.values()))
        rows, buckets = np.nonzero(table)
        at_s = np.fromiter(minutes, np.int64, len(minutes))[rows]
        values = timestamps(at_s * 1000), column(buckets), column(table[rows, buckets])
        with self._connector.use() as connection:
            connection.execute(ADD, [path, *values, list(SPANS_S)])

    def close(self) -> None:
        self._connector.close()


def latencies(connection: TimedConnection, since: datetime, until: datetime, interval_s: int) -> list[Taken]:
    """By interval and path. since, until: multiples of the interval, which is one of whole minutes."""
    span_s = max(each for each in SPANS_S if interval_s % each == 0)
    rows = connection.execute(READ, [interval_s, span_s, since, until]).fetchall()
    return [Taken(at, path, _counts(buckets, counts)) for at, path, buckets, counts in rows]


def _counts(buckets: list[int], counts: list[int]) -> Counts:
    found = no_counts()
    found[buckets] = counts
    return found
