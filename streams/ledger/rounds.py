"""What the background check has found, round by round."""

from datetime import datetime

import msgspec

from streams.codecs import encode
from streams.ledger.connection import Connector, TimedConnection
from streams.reconcile.outcome import Outcome

MOST_ROUNDS = 1000

ADD = """
    INSERT INTO reconcile_rounds (took_s, findings, records, proven, checks)
    VALUES (%s, %s, %s, %s, %s::jsonb)
"""
FORGET = """
    DELETE FROM reconcile_rounds
    WHERE round_id <= (SELECT round_id FROM reconcile_rounds ORDER BY round_id DESC OFFSET %s LIMIT 1)
"""
NEWEST = "SELECT finished_at, findings, took_s FROM reconcile_rounds ORDER BY round_id DESC LIMIT 1"


class Round(msgspec.Struct, frozen=True):
    """One look at everything that has come since the last clean one. finished_at: by the ledger's clock."""

    finished_at: datetime
    findings: int
    took_s: float


class PostgresRounds:
    """Keeps the newest MOST_ROUNDS. Over one connection of its own."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def add(self, outcome: Outcome, took_s: float) -> None:
        """
        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        checks = {
            name: {"checked": check.checked, "findings": check.findings}
            for name, check in outcome.checks.items()
        }
        told = took_s, outcome.findings, outcome.records, outcome.proven, encode(checks).decode()
        with self._connector.use() as connection, connection.transaction():
            connection.execute(ADD, told)
            connection.execute(FORGET, [MOST_ROUNDS])

    def close(self) -> None:
        self._connector.close()


def newest(connection: TimedConnection) -> Round | None:
    row = connection.execute(NEWEST).fetchone()
    return None if row is None else Round(*row)
