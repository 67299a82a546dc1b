"""A ledger filled from outside: decisions of the customers of a crowd, as long before as it takes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from load.bench.crowd import TERMINALS_PER_CUSTOMER, Crowd
from streams.failures import of_postgres

# Ids anywhere among all ids, as ids of payments are; one pattern row has who scored, and features.
# Number 0 is no topic's.
INSERT = """
    INSERT INTO decisions (
        transaction_id, customer_id, terminal_id, amount_minor, event_time, decided_at, score, scoring_id,
        features, decision, path, late, currency, incarnation, partition, "offset"
    )
    SELECT
        substr(md5(number::text), 1, 16),
        %(name)s || '-customer-' || (hashint8(number) & 2147483647) %% %(customers)s,
        %(name)s || '-terminal-' || (hashint8(-number) & 2147483647) %% %(terminals)s,
        100 + number %% 9900, moment, moment, (number %% 1000) / 100000.0, pattern.scoring_id,
        pattern.features, (CASE WHEN number %% 500 = 0 THEN 'review' ELSE 'approve' END)::verdict, 'stream',
        false, 'EUR', 0, 0, number
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number,
        LATERAL (SELECT now() - interval '400 days' + number * interval '100 ms' AS moment) AS at,
        (SELECT scoring_id, features FROM decisions WHERE path = 'stream' LIMIT 1) AS pattern
    ORDER BY 1
"""
COUNT = "SELECT count(*) FROM decisions"
AT_ONCE = 500_000
STATEMENT_TIMEOUT_S = 300


class LedgerRows:
    """A connection to a benchmark's own ledger, which holds some decisions already."""

    def __init__(self, database_url: str) -> None:
        with our_errors():
            self._connection = psycopg.connect(
                database_url,
                autocommit=True,
                connect_timeout=10,
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_S}s",
            )
        self._last = 0

    def close(self) -> None:
        self._connection.close()

    def fill(self, crowd: Crowd, rows: int, filled: Callable[[int], None]) -> int:
        """Add rows until `rows` have been added in all; how many the ledger then holds, with all others.

        filled: called with the number added so far.

        Raises:
            LedgerUnavailable: Postgres failed.
        """
        values: dict[str, Any] = {
            "name": crowd.name,
            "customers": crowd.customers,
            "terminals": crowd.customers * TERMINALS_PER_CUSTOMER,
        }
        with our_errors():
            while self._last < rows:
                first, last = self._last + 1, min(self._last + AT_ONCE, rows)
                self._connection.execute(INSERT, values | {"first": first, "last": last})
                self._last = last
                filled(last)
            # What would be done some time soon, and by whom it is not certain, is not to fall among figures.
            self._connection.execute("VACUUM ANALYZE decisions")
            (found,) = self._connection.execute(COUNT).fetchone() or (0,)
        return int(found)


@contextmanager
def our_errors() -> Iterator[None]:
    """
    Raises:
        LedgerUnavailable: whatever the client raised.
    """
    try:
        yield
    except psycopg.Error as error:
        raise of_postgres("Postgres failed", str(error).split("\n")[0]) from error
