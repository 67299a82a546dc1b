"""One connection to Postgres that is made when needed, never waits for ever, and speaks our errors."""

import re
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import structlog
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from models.errors import BadSetting, FraudError, LedgerUnavailable, SchemaUnknown
from streams.failures import of_postgres
from streams.files_of_secrets import HeldAddress, newest
from streams.ledger.arrays import register

log = structlog.get_logger(__name__)

# The schema that this code reads and writes; deploy/migrations makes it.
SCHEMA = "0013"
# What a migration leaves on the table of its version: the oldest code that may work with it.
SERVES = "serves {} and newer"
SCHEMA_FOUND = """
    SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') FROM alembic_version
"""
LIBPQ_WAITS_S = 2  # for a connection, at least, whatever it is told


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
        self._connected_to_ns = 0
        self._connection: TimedConnection | None = None
        self._coming: Future[TimedConnection] | None = None

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
            raise of_postgres(
                "Postgres failed", _first_line(error), "fraudml status, fraudml doctor"
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        connection, self._connection = self._connection, None
        coming, self._coming = self._coming, None
        if connection is not None:
            connection.close()
        if coming is not None:
            coming.add_done_callback(_closed)

    def _connected(self) -> TimedConnection:
        if self._connection is not None and self._moved():
            self._change_over()
        if self._connection is None or self._connection.closed:
            short = self._timeout_s < LIBPQ_WAITS_S
            self._connection = self._connect_in_time() if short else self._connect()
        return self._connection

    def _change_over(self) -> None:
        """To what the file says. Where that does not open, the old connection holds until it breaks."""
        old = self._connection
        try:
            self._connection = self._connect()
        except (psycopg.Error, FraudError) as error:
            log.warning("address_does_not_open", file=str(self._file), why=str(error).split("\n")[0])
        else:
            if old is not None:
                old.close()

    @property
    def _file(self) -> Path | None:
        return self._url.file if isinstance(self._url, HeldAddress) else None

    def _moved(self) -> bool:
        """Whether the file of the address has changed since it was connected to: another password or role.

        What cannot be looked at has not changed: the connection that there is holds.
        """
        if self._file is None:
            return False
        try:
            return self._file.stat().st_mtime_ns != self._connected_to_ns
        except OSError:
            return False

    def _connect_in_time(self) -> TimedConnection:
        """No call waits longer for it than for anything else; the next one may find it made."""
        if self._coming is None or (self._coming.done() and self._coming.exception()):
            self._coming = Future()
            Thread(target=_fulfil, args=(self._coming, self._connect), name="connect", daemon=True).start()
        try:
            made = self._coming.result(self._timeout_s)
        except TimeoutError:
            raise LedgerUnavailable("Postgres failed", why="there is no connection in time") from None
        self._coming = None
        return made

    def _connect(self) -> TimedConnection:
        if self._file is not None:
            with suppress(OSError):
                self._connected_to_ns = self._file.stat().st_mtime_ns
        url = newest(self._url)
        try:
            conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            # The library's own words would quote it, password and all.
            raise BadSetting(
                "DATABASE_URL is no address of a Postgres database",
                next_step="write it as postgresql://user:password@host:5432/database",
            ) from None
        connection = TimedConnection.connect(
            url,
            autocommit=True,
            connect_timeout=max(LIBPQ_WAITS_S, int(self._timeout_s)),
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


def _fulfil(coming: "Future[TimedConnection]", connect: Callable[[], TimedConnection]) -> None:
    try:
        coming.set_result(connect())
    except BaseException as error:
        coming.set_exception(error)


def _closed(coming: "Future[TimedConnection]") -> None:
    if coming.exception() is None:
        coming.result().close()


def _check_schema(connection: psycopg.Connection[Any]) -> None:
    try:
        found = connection.execute(SCHEMA_FOUND).fetchone()
    except psycopg.errors.UndefinedTable:
        found = None
    if found is None or not serves(found[0], found[1]):
        is_newer = found is not None and found[0] > SCHEMA
        raise SchemaUnknown(
            f"the database has schema {found[0] if found else 'none'}",
            why=f"this version works with {SCHEMA}",
            next_step="install the version that made it" if is_newer else "fraudml migrate",
        )


def serves(schema: str, comment: str | None, code: str = SCHEMA) -> bool:
    """Whether code of one schema may work on a database of another: while a new version is rolled out, the
    previous one goes on where the migration says so."""
    if schema <= code:
        return schema == code
    since = re.fullmatch(SERVES.format(r"(\d{4})"), comment or "")
    return since is not None and since[1] <= code


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n")[0]
