"""The ledger at one moment, for a copy of it: what it says of itself, and by which name others see it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple

from psycopg import sql

from streams.ledger import archived
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.reading import one

FACTS = """
    SELECT pg_export_snapshot(), now(), (SELECT version_num FROM alembic_version),
        (SELECT ledger_id::text FROM ledger), current_setting('server_version_num')::int / 10000,
        (SELECT coalesce(sum(approve + review + decline), 0)::bigint FROM decision_counts
            WHERE minute > now() - interval '1 hour')
"""
# Every incarnation that is known: one without progress was seen, and nothing of it was settled.
POSITIONS = """
    SELECT topic, topic_id, partition, next_offset FROM incarnations JOIN progress USING (incarnation)
    ORDER BY incarnation, partition
"""
TOPICS = "SELECT DISTINCT ON (topic) topic, topic_id FROM incarnations ORDER BY topic, incarnation DESC"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
ROLES = """
    SELECT DISTINCT rolname::text FROM pg_class CROSS JOIN LATERAL aclexplode(relacl) AS granted
    JOIN pg_roles ON pg_roles.oid = granted.grantee
    WHERE relnamespace = 'public'::regnamespace AND grantee <> relowner ORDER BY 1
"""


class Settled(NamedTuple):
    """How far a partition of one incarnation of a topic is settled."""

    topic: str
    topic_id: str
    partition: int
    next_offset: int


class Frozen(NamedTuple):
    """snapshot: of this name, while the moment lasts. server: Postgres' major version. topics: the ids of
    the newest incarnations, by name. rows: by table. roles: that were granted something. an_hour: decisions
    made in the last hour. archives: where the files of archived months lie, how many, the first and the last.
    """

    snapshot: str
    taken_at: datetime
    schema: str
    ledger_id: str
    server: int
    an_hour: int
    archives: Sequence[tuple[str, int, date, date]]
    topics: Mapping[str, str]
    positions: Sequence[Settled]
    rows: Mapping[str, int]
    roles: Sequence[str]


class LedgerMoment:
    """Over one connection of its own. timeout_s: of each question; the moment may last longer."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._connector = Connector(url, timeout_s, "fraudml-backup")

    @contextmanager
    def frozen(self) -> Iterator[Frozen]:
        """
        Raises:
            LedgerUnavailable: Postgres cannot be reached.
            SchemaUnknown: the database has another schema than this code.
        """
        with self._connector.use() as connection:
            # What is copied meanwhile may take hours, and nothing is asked in that time.
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield _frozen(connection)
            connection.rollback()

    def close(self) -> None:
        self._connector.close()


def rows_by_table(connection: TimedConnection) -> dict[str, int]:
    """How many rows each table has."""
    names = [name for (name,) in connection.execute(TABLES)]
    count = sql.SQL("SELECT count(*) FROM {}")
    return {
        name: int(one(connection, count.format(sql.Identifier(name)).as_string(connection))) for name in names
    }


def _frozen(connection: TimedConnection) -> Frozen:
    facts = connection.execute(FACTS).fetchone()
    assert facts is not None
    positions = [Settled(*row) for row in connection.execute(POSITIONS)]
    roles = [role for (role,) in connection.execute(ROLES)]
    topics: dict[str, str] = dict(connection.execute(TOPICS).fetchall())
    archives = archived.places(connection)
    return Frozen._make((*facts, archives, topics, positions, rows_by_table(connection), roles))
