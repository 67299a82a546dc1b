"""A fresh database beside the live one: filled and looked at first, then the two change names at once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from deploy.backup.errors import CannotBackUp, TargetInUse
from models.errors import BadSetting, LedgerUnavailable

CONNECT_WITHIN_S = 10
# Two restores at once would take each other's fresh database away.
LOCK = 0x726573746F7265
MAINTENANCE = "postgres"
FACTS = """
    SELECT pg_get_userbyid(datdba), current_setting('server_version_num')::int / 10000,
        (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user), current_user
    FROM pg_database WHERE datname = %s
"""
SESSIONS = """
    SELECT DISTINCT coalesce(nullif(application_name, ''), 'a program without a name') FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend' ORDER BY 1
"""
MISSING_ROLES = """
    SELECT name FROM unnest(%s::text[]) AS name WHERE name NOT IN (SELECT rolname FROM pg_roles) ORDER BY 1
"""
GRANTS = """
    SELECT rolname::text, privilege_type FROM pg_database CROSS JOIN LATERAL aclexplode(datacl) AS granted
    LEFT JOIN pg_roles ON pg_roles.oid = granted.grantee WHERE datname = %s
"""


class Server:
    """The server of a database, asked from beside it. live: the database's name."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.live = database_of(url)
        self._connection: Any = None

    @contextmanager
    def opened(self) -> Iterator["Server"]:
        """
        Raises:
            LedgerUnavailable: it cannot be reached, or refuses.
        """
        with their_errors():
            self._connection = psycopg.connect(
                with_database(self.url, MAINTENANCE),
                autocommit=True,
                connect_timeout=CONNECT_WITHIN_S,
                application_name="fraudml-restore",
            )
        try:
            yield self
        finally:
            self._connection.close()

    def hold(self) -> None:
        """
        Raises:
            TargetInUse: another restore is at work on this server.
        """
        if not self._ask("SELECT pg_try_advisory_lock(%s)", LOCK)[0][0]:
            raise TargetInUse("another restore is at work on this server", next_step="wait for it")

    def facts(self) -> tuple[str, int]:
        """The live database's owner, and the server's major version.

        Raises:
            CannotBackUp: we may not make a database.
            LedgerUnavailable: there is no such database.
        """
        found = self._ask(FACTS, self.live)
        if not found:
            raise LedgerUnavailable(
                f"there is no database {self.live}", next_step="make it, as for a new deployment"
            )
        owner, major, may_make, ourselves = found[0]
        if not may_make:
            raise CannotBackUp(
                f"the role {ourselves} may not make the database that is filled first",
                next_step=f"ALTER ROLE {ourselves} CREATEDB, or a DATABASE_URL of a role that may",
            )
        return owner, major

    def refuse_sessions(self) -> None:
        """
        Raises:
            TargetInUse: somebody works with the live database.
        """
        if names := [name for (name,) in self._ask(SESSIONS, self.live)]:
            raise TargetInUse(
                f"the database {self.live} is in use",
                why=f"by {', '.join(names)}",
                next_step="stop these first",
            )

    def missing_roles(self, roles: Sequence[str]) -> list[str]:
        return [name for (name,) in self._ask(MISSING_ROLES, list(roles))]

    @contextmanager
    def fresh(self, owner: str) -> Iterator[str]:
        """The address of an empty database, granted to whom the live one is; gone at the end unless it has
        taken the live one's place.
        """
        name = f"{self.live}_restoring"
        self.drop(name)
        self._do("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'", name, owner)
        try:
            self._grant_alike(name)
            yield with_database(self.url, name)
        finally:
            self.drop(name)

    def swap(self, aside: str) -> None:
        """The fresh database takes the live one's name, and the live one another, in one transaction.

        Raises:
            TargetInUse: somebody works with the live database.
        """
        try:
            with self._connection.transaction():
                self._do("ALTER DATABASE {} RENAME TO {}", self.live, aside)
                self._do("ALTER DATABASE {} RENAME TO {}", f"{self.live}_restoring", self.live)
        except psycopg.errors.ObjectInUse:
            self.refuse_sessions()
            raise TargetInUse(f"the database {self.live} is in use", next_step="stop what uses it") from None

    def drop(self, name: str) -> None:
        self._do("DROP DATABASE IF EXISTS {}", name)

    def _grant_alike(self, name: str) -> None:
        grants = self._ask(GRANTS, self.live)
        if grants:
            self._do("REVOKE ALL ON DATABASE {} FROM PUBLIC", name)
        for role, right in grants:
            to = sql.Identifier(role) if role else sql.SQL("PUBLIC")
            grant = sql.SQL("GRANT {} ON DATABASE {} TO {}")
            with their_errors():
                self._connection.execute(grant.format(sql.SQL(right), sql.Identifier(name), to))

    def _ask(self, query: str, *values: Any) -> list[Any]:
        with their_errors():
            return list(self._connection.execute(query, values).fetchall())

    def _do(self, statement: str, *names: str) -> None:
        with their_errors():
            self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def database_of(url: str) -> str:
    return _parsed(url).database or ""


def with_database(url: str, name: str) -> str:
    """The same server and role, another database."""
    return str(_parsed(url).set(database=name).render_as_string(hide_password=False))


@contextmanager
def their_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.ObjectInUse:
        raise
    except psycopg.Error as error:
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise LedgerUnavailable(
            "Postgres failed", why=why, next_step="fraudml status, fraudml doctor"
        ) from None


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # The library's own words would quote it, password and all.
        raise BadSetting(
            "DATABASE_URL is no address of a Postgres database",
            next_step="write it as postgresql://user:password@host:5432/database",
        ) from None
