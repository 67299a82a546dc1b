"""Moving decisions out of the ledger: read by month, and deleted once a file is proven to hold them.

For the owner of the tables alone: nobody else may delete a decision.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from models.errors import Misuse
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.reading import one

NAME = "fraudml-archive"
LOCK = 0x61726368697665  # one archiving at a time
CHUNK_ROWS = 20_000

OLDEST = "SELECT min(decided_at) FROM decisions"
# By the day of the index of customers: exact enough for what is 40 days away.
NEWEST_DAY = "SELECT max((event_time AT TIME ZONE 'UTC')::date) FROM decisions"
COUNT = """
    SELECT count(*), count(*) FILTER (WHERE incarnation IS NULL), max(event_time) FROM decisions
    WHERE decided_at >= %s AND decided_at < %s
"""
ROWS = """
    SELECT transaction_id, customer_id, terminal_id, amount_minor, currency,
        (date_part('epoch', event_time) * 1000)::bigint, decided_at, decision::text, score, late, path::text,
        degraded_reason, attributes, reasons::text, variant, model_name, model_version, policy_version,
        ab_version, feature_names, features, topic, topic_id, partition, "offset"
    FROM decisions JOIN scorings USING (scoring_id) JOIN incarnations USING (incarnation)
    WHERE decided_at >= %s AND decided_at < %s ORDER BY decided_at, transaction_id
"""
MONTHS = """
    SELECT month, place, file, rows, bytes, sha256, newest_event, begun_at, finished_at FROM archived_months
    ORDER BY month
"""
BEGIN = """
    INSERT INTO archived_months (month, place, file, rows, bytes, sha256, newest_event)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
MOVE = """
    WITH gone AS (
        DELETE FROM decisions USING unnest(%s::text[], %s::uuid[]) AS filed (transaction_id, body_hash)
        WHERE decisions.transaction_id = filed.transaction_id AND decisions.incarnation IS NOT NULL
            AND decisions.decided_at >= %s AND decisions.decided_at < %s
        RETURNING decisions.*, filed.body_hash
    )
    INSERT INTO archived_decisions (
        score, event_time, decided_at, body_hash, scoring_id, decision, path, late, transaction_id, reasons,
        degraded_reason
    )
    SELECT score, event_time, decided_at, body_hash, scoring_id, decision, path, late, transaction_id,
        reasons, degraded_reason
    FROM gone ORDER BY transaction_id
"""
FORGET_PLACES = "DELETE FROM answer_places WHERE transaction_id = ANY(%s)"
HELD = "SELECT count(*) FROM archived_decisions WHERE transaction_id = ANY(%s) AND decided_at >= %s"
FINISH = "UPDATE archived_months SET finished_at = now() WHERE month = %s"


class ArchivedMonth(NamedTuple):
    """A month that has left, or is leaving: finished_at is None. place: a folder or bucket. file: in it.
    newest_event: of its transactions.
    """

    month: date
    place: str
    file: str
    rows: int
    bytes: int
    sha256: str
    newest_event: datetime
    begun_at: datetime | None = None
    finished_at: datetime | None = None


class Counted(NamedTuple):
    """unclaimed: those of the rows that wait for their record. newest_event: of their transactions."""

    rows: int
    unclaimed: int
    newest_event: datetime | None


Span = tuple[datetime, datetime]  # the first moment, and the one after the last


class PostgresArchiving:
    """Over one connection of its own. timeout_s: of each question."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._connector = Connector(url, timeout_s, NAME)

    def close(self) -> None:
        self._connector.close()

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other archiving is at work; if so, none begins before this ends.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection:
            is_alone = bool(one(connection, "SELECT pg_try_advisory_lock(%s)", [LOCK]))
        try:
            yield is_alone
        finally:
            # The lock ends with its session.
            self._connector.close()

    def ledger_id(self) -> str:
        with self._connector.use() as connection:
            return str(one(connection, "SELECT ledger_id FROM ledger"))

    def oldest(self) -> datetime | None:
        """When the oldest of all decisions was made."""
        with self._connector.use() as connection:
            found: datetime | None = one(connection, OLDEST)
            return found

    def newest_day(self) -> date | None:
        """The day, in UTC, of the newest transaction."""
        with self._connector.use() as connection:
            found: date | None = one(connection, NEWEST_DAY)
            return found

    def count(self, span: Span) -> Counted:
        with self._connector.use() as connection:
            row: Any = connection.execute(COUNT, span).fetchone()
            return Counted(*row)

    def rows(self, span: Span) -> Iterator[Sequence[Sequence[Any]]]:
        """The claimed decisions of a span in the order they were made, as columns of `ROWS`, from one
        snapshot."""
        with (
            self._connector.use() as connection,
            connection.transaction(),
            connection.cursor(NAME, binary=True) as cursor,
        ):
            cursor.itersize = CHUNK_ROWS
            cursor.execute(ROWS, span)
            while chunk := cursor.fetchmany(CHUNK_ROWS):
                yield chunk

    def months(self) -> list[ArchivedMonth]:
        with self._connector.use() as connection:
            return [ArchivedMonth(*row) for row in connection.execute(MONTHS)]

    def begin(self, month: ArchivedMonth) -> None:
        """Its file is proven: from now on its rows may go."""
        with self._connector.use() as connection:
            connection.execute(BEGIN, month[:7])

    def move(self, span: Span, transaction_ids: Sequence[str], body_hashes: Sequence[UUID]) -> int:
        """Have these leave, in one transaction; done again, it changes nothing. How many left.

        Raises:
            Misuse: they would not all be archived then: nothing has left.
        """
        with self._connector.use() as connection, connection.transaction():
            moved = connection.execute(MOVE, [list(transaction_ids), list(body_hashes), *span]).rowcount
            connection.execute(FORGET_PLACES, [list(transaction_ids)])
            _refuse_less(connection, transaction_ids, span)
            return moved

    def finish(self, month: date) -> None:
        """All of it has left. Whoever looks for archived ids is planned anew, by what there is now."""
        with self._connector.use() as connection:
            connection.execute(FINISH, [month])
            connection.execute("ANALYZE archived_decisions")


def _refuse_less(connection: TimedConnection, transaction_ids: Sequence[str], span: Span) -> None:
    held = int(one(connection, HELD, [list(transaction_ids), span[0]]))
    if held != len(transaction_ids):
        raise Misuse(
            f"{len(transaction_ids) - held} decisions of a file are neither in the ledger nor archived",
            why="it was written from another ledger, or rows were deleted by hand",
            next_step="see docs/retention.md",
        )
