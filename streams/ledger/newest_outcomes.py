"""The newest labelled decisions, and a fair sample of recent ones: never more than so many rows are read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from models.boosters import Matrix
from models.errors import TooWide
from models.features import FEATURE_NAMES
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.outcomes import COLUMNS, Labelled, columns_of, labelled_fields

MOST_LABELS = 200_000
MOST_DRAWN, MOST_LOOKED_AT = 20_000, 160_000

# Where labels are too many: of the first that is left out, counted from the newest.
BOUND = """
    SELECT transaction_time FROM labels WHERE transaction_time >= %s AND transaction_time < %s
    ORDER BY transaction_time DESC OFFSET %s LIMIT 1
"""
# From labels to decisions: of a range there may be many more decisions than labels.
LABELLED = f"""
    SELECT {", ".join(COLUMNS)}
    FROM (
        SELECT transaction_id, version, label FROM labels
        WHERE transaction_time >= %(since)s AND transaction_time < %(until)s AND transaction_time > %(after)s
    ) AS latest JOIN decisions USING (transaction_id) JOIN scorings USING (scoring_id)
    WHERE latest.label <> 'unknown'
        AND NOT EXISTS (
            SELECT FROM labels AS later
            WHERE later.transaction_id = latest.transaction_id AND later.version > latest.version
        )
        AND degraded_reason IS NULL AND NOT late AND feature_names = %(feature_names)s
        AND ab_version = %(ab_version)s
    ORDER BY event_time, transaction_id
"""
# Whatever is estimated: a table of decisions is not for reading whole.
BY_INDEX = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
COUNT = """
    SELECT coalesce(sum(approve + review + decline), 0)::bigint FROM decision_counts
    WHERE minute >= date_bin('1 minute', %s, 'epoch') AND minute < %s
"""
# The words of the index `decisions_drawn`.
DRAWN_LEVEL = " + ".join(
    f"(hashtextextended(transaction_id, 0) & {8**level - 1} = 0)::integer" for level in range(1, 7)
)
MOST_LEVELS = 6
OF_LEVEL = f"hashtextextended(transaction_id, 0) & 7 = 0 AND ({DRAWN_LEVEL}) = ANY(%(levels)s)"
# Those of the lowest hashes, by another hash than the one that made the level: each as likely as any other.
DRAWN = """
    SELECT model_name, model_version, features FROM decisions JOIN scorings USING (scoring_id)
    WHERE decided_at >= %(since)s AND decided_at < %(until)s AND {of_level}
        AND (model_name, model_version) IN (SELECT * FROM unnest(%(names)s::text[], %(versions)s::text[]))
        AND degraded_reason IS NULL AND NOT late AND feature_names = %(feature_names)s
    ORDER BY hashtextextended(transaction_id, 1) LIMIT %(most)s
"""

NamedVersion = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NewestOutcomes:
    """labelled: of decisions from `since` on. truncated: there are more labels of before, which were asked
    for too."""

    labelled: Labelled
    since: datetime
    truncated: bool


@dataclass(frozen=True, slots=True)
class DrawnDecisions:
    """decisions: how many there were, of whole minutes, whoever decided. features: by model, each
    (n, len(FEATURES))."""

    decisions: int
    features: dict[NamedVersion, Matrix]


class PostgresQuality:
    """Over one connection of its own.

    timeout_s: what takes longer is not for a caller who waits.
    """

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def close(self) -> None:
        self._connector.close()

    def newest_outcomes(
        self, since: datetime, until: datetime, ab_version: str, most: int = MOST_LABELS
    ) -> NewestOutcomes:
        """Decisions by event time that a split has dealt and that have a label; without late and degraded
        ones. At most `most` labels are looked at, newest first.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
            TooWide: it takes longer than `timeout_s`.
        """
        with self._connector.use() as connection, _in_time():
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(BY_INDEX)
            bound = connection.execute(BOUND, [since, until, most]).fetchone()
            asked = {
                "since": since,
                "until": until,
                "after": bound[0] if bound else "-infinity",
                "feature_names": list(FEATURE_NAMES),
                "ab_version": ab_version,
            }
            rows = connection.execute(LABELLED, asked, binary=True).fetchall()
            connection.commit()
        found = Labelled(**labelled_fields(columns_of(rows, len(COLUMNS))))
        return NewestOutcomes(found, bound[0] if bound else since, bound is not None)

    def drawn(
        self,
        since: datetime,
        until: datetime,
        models: Sequence[NamedVersion],
        most: int = MOST_DRAWN,
        looked_at: int = MOST_LOOKED_AT,
    ) -> DrawnDecisions:
        """A sample of at most `most` of the decisions of some models, by `decided_at`; without late and
        degraded ones. About `looked_at` rows are read at most: of more decisions, those of a level.

        Raises:
            LedgerUnavailable, TooWide: as above.
        """
        with self._connector.use() as connection, _in_time():
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            row = connection.execute(COUNT, [since, until]).fetchone()
            decisions = int(row[0]) if row else 0
            rows = _drawn(connection, since, until, models, most, level_of(decisions, looked_at))
            connection.commit()
        return DrawnDecisions(decisions, _by_model(rows))


def level_of(decisions: int, looked_at: int) -> int:
    """The least level of which there are no more than `looked_at`; of the highest there may be more."""
    level = 0
    while decisions > looked_at * 8**level and level < MOST_LEVELS:
        level += 1
    return level


def _drawn(
    connection: TimedConnection,
    since: datetime,
    until: datetime,
    models: Sequence[NamedVersion],
    most: int,
    level: int,
) -> list[Any]:
    asked = {
        "since": since,
        "until": until,
        "levels": list(range(level, MOST_LEVELS + 1)),
        "names": [name for name, _ in models],
        "versions": [version for _, version in models],
        "feature_names": list(FEATURE_NAMES),
        "most": most,
    }
    query = DRAWN.format(of_level=OF_LEVEL if level else "true")
    return connection.execute(query, asked, binary=True).fetchall()


def _by_model(rows: Sequence[tuple[str, str, bytes]]) -> dict[NamedVersion, Matrix]:
    found: dict[NamedVersion, list[bytes]] = {}
    for name, version, features in rows:
        found.setdefault((name, version), []).append(features)
    return {
        model: np.frombuffer(b"".join(of_each), "<f4").reshape(len(of_each), -1).astype(np.float32)
        for model, of_each in found.items()
    }


@contextmanager
def _in_time() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.QueryCanceled:
        raise TooWide(
            "there is too much to look through",
            why="it took too long",
            next_step="narrow it with from and to",
        ) from None
