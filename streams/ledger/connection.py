"""One connection to Postgres that is made when needed, never waits for ever, and speaks our errors."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from models.errors import BadSetting, FraudError, LedgerUnavailable, SchemaUnknown
from streams.ledger.arrays import register

# The schema that this code reads and writes; deploy/migrations makes it.
SCHEMA = "0005"


class TimedConnection(psycopg.Connection[TupleRow]):
    """A connection whose every wait has a time-out: a stopped server answers nothing, not even an error.

    numbers: what the database calls things, remembered while the connection lasts.
    """

    timeout_s = 10.0
    numbers: dict[Hashable, int]

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        return super().wait(gen, interval, self.timeout_s if timeout is None else timeout)


class Connector:
    """Keeps one connection, and makes another after any failure. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._application = application
        self._connection: TimedConnection | None = None

    @contextmanager
    def use(self) -> Iterator[TimedConnection]:
        """The connection, outside any transaction; whatever is left open is rolled back.

        Raises:
            LedgerUnavailable: no connection, a time-out, or an error of the server.
            SchemaUnknown: the database has another schema than this code.
        """
        try:
            connection = self._connected()
            yield connection
        except FraudError:
            self._roll_back()
            raise
        except psycopg.Error as error:
            self.close()
            raise LedgerUnavailable(
                "Postgres failed", why=_first_line(error), next_step="fraudml status, fraudml doctor"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> TimedConnection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> TimedConnection:
        try:
            conninfo_to_dict(self._url)
        except psycopg.ProgrammingError:
            # The library's own words would quote it, password and all.
            raise BadSetting(
                "DATABASE_URL is no address of a Postgres database",
                next_step="write it as postgresql://user:password@host:5432/database",
            ) from None
        connection = TimedConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=max(2, int(self._timeout_s)),
            application_name=self._application,
            options=self._options(),
        )
        connection.timeout_s = self._timeout_s
        connection.numbers = {}
        register(connection)
        try:
            _check_schema(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _options(self) -> str:
        # The server gives up before we do, so that it does not go on with what nobody waits for.
        statement_ms = int(self._timeout_s * 900)
        settings = {
            "statement_timeout": statement_ms,
            "lock_timeout": statement_ms,
            "idle_in_transaction_session_timeout": statement_ms,
            "synchronous_commit": "on",
            "timezone": "UTC",
        }
        return " ".join(f"-c {name}={value}" for name, value in settings.items())

    def _roll_back(self) -> None:
        if self._connection is not None and not self._connection.closed:
            try:
                self._connection.rollback()
            except psycopg.Error:
                self.close()


def _check_schema(connection: psycopg.Connection[Any]) -> None:
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        found = None
    if found is None or found[0] != SCHEMA:
        raise SchemaUnknown(
            f"the database has schema {found[0] if found else 'none'}",
            why=f"this version works with {SCHEMA}",
            next_step="fraudml migrate",
        )


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n")[0]
