"""Postgres' roles: made where they are missing, each with the rights that `postgres_rights` declares.

A role is who DATABASE_URL_<ROLE> names. Nothing is done for a role without an address of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from deploy.access.postgres_rights import MAY_MAKE_TEMPORARY_TABLES, RIGHTS, Right
from models.errors import BadSetting, Misuse
from streams.failures import of_postgres
from streams.files_of_secrets import newest
from streams.settings import Settings, variable_of

LOCK = 0x667261756472  # one change of roles at a time, whoever makes it
CONNECT_WITHIN_S = 10
APPLICATION = "fraudml-access"


class Named(NamedTuple):
    """A role of ours, and who it is in Postgres."""

    role: str
    variable: str
    url: str
    user: str
    password: str


def apply(settings: Settings) -> list[str]:
    """Bring the roles that have an address to their rights; a second time nothing changes.

    Returns:
        Those that were made, by their names in Postgres.
    Raises:
        BadSetting: an address names nobody, the owner, or a superuser.
        Misuse: the owner may not make roles, and one is missing.
        LedgerUnavailable: Postgres cannot be reached, or refuses a role its own address.
    """
    owners = newest(settings.database_url_migrator or settings.database_url)
    named = named_roles(settings)
    if not named:
        return []
    with _connected(owners) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        made = [each for each in named if _ensure(connection, each)]
        for each in named:
            _refuse_the_mighty(connection, each)
            _grant(connection, each)
    for each in named:
        _let_in(owners, each)
    return [each.user for each in made]


def named_roles(settings: Settings) -> list[Named]:
    """
    Raises:
        BadSetting: an address names nobody, or two roles are one.
    """
    found: dict[str, Named] = {}
    for role in RIGHTS:
        field = f"database_url_{role}"
        if address := newest(getattr(settings, field)):
            each = _named(role, variable_of(field), address)
            if each.user in found:
                raise BadSetting(
                    f"{each.variable} and {found[each.user].variable} name the same role, {each.user}",
                    next_step="give each a role of its own",
                )
            found[each.user] = each
    return list(found.values())


def _named(role: str, variable: str, url: str) -> Named:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        parts = {}
    user, password = str(parts.get("user") or ""), str(parts.get("password") or "")
    if not user:
        raise BadSetting(
            f"{variable} names no role",
            next_step="write it as postgresql://role:password@host:5432/database",
        )
    return Named(role, variable, url, user, password)


def _ensure(connection: psycopg.Connection[Any], named: Named) -> bool:
    """Make a role that is missing; whether it was."""
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [named.user]).fetchone() is not None:
        return False
    verifier = _verifier(connection, named)
    make = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}")
    try:
        connection.execute(make.format(sql.Identifier(named.user), sql.Literal(verifier)))
    except psycopg.errors.InsufficientPrivilege:
        raise Misuse(
            f"Postgres has no role {named.user}, which {named.variable} names",
            why="the owner of the schema may not make roles",
            next_step=f"as a superuser: CREATE ROLE {named.user} LOGIN PASSWORD '...'; then try again",
        ) from None
    # Nothing that somebody else has made under the name of ours is found first.
    pin = sql.SQL("ALTER ROLE {} SET search_path = public, pg_temp")
    connection.execute(pin.format(sql.Identifier(named.user)))
    return True


def _verifier(connection: psycopg.Connection[Any], named: Named) -> str:
    """Hashed here, so that the password itself never gets near the server's log."""
    if not named.password:
        raise BadSetting(
            f"{named.variable} has no password to make the role {named.user} with",
            next_step="put one into the address",
        )
    hashed = connection.pgconn.encrypt_password(
        named.password.encode(), named.user.encode(), b"scram-sha-256"
    )
    return hashed.decode()


def _refuse_the_mighty(connection: psycopg.Connection[Any], named: Named) -> None:
    """Rights mean nothing to a superuser, and an owner has them all."""
    row = connection.execute(
        "SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = %s", [named.user]
    ).fetchone()
    if row is None or row[0] or row[1]:
        raise BadSetting(
            f"{named.variable} names {named.user}, who may do everything",
            next_step="name a role that is neither superuser nor owner, or unset it",
        )


def _grant(connection: psycopg.Connection[Any], named: Named) -> None:
    """In one transaction with the rest: at no moment does a running process lack a right."""
    role = sql.Identifier(named.user)
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    database = sql.Identifier(row[0])
    statements: list[sql.SQL | sql.Composed] = [
        sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
        sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database),
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(role),
        sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, role),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role),
    ]
    if named.role in MAY_MAKE_TEMPORARY_TABLES:
        statements.append(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(database, role))
    for table, rights in RIGHTS[named.role].items():
        statements += [
            sql.SQL("GRANT {} ON {} TO {}").format(_text(right), sql.Identifier(table), role)
            for right in rights
        ]
    for statement in statements:
        connection.execute(statement)


def _text(right: Right) -> sql.SQL | sql.Composed:
    if not right.columns:
        return sql.SQL(right.privilege)
    columns = sql.SQL(", ").join(map(sql.Identifier, right.columns))
    return sql.SQL("{} ({})").format(sql.SQL(right.privilege), columns)


def _let_in(owners: str, named: Named) -> None:
    """Its address opens; a password that does not is set to the one of the address."""
    if not _opens(named):
        with _connected(owners) as connection:
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            verifier = sql.Literal(_verifier(connection, named))
            connection.execute(change.format(sql.Identifier(named.user), verifier))
    with _connected(named.url):
        return


def _opens(named: Named) -> bool:
    try:
        with psycopg.connect(named.url, connect_timeout=CONNECT_WITHIN_S, application_name=APPLICATION):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(
            url, connect_timeout=CONNECT_WITHIN_S, application_name=APPLICATION
        ) as connection:
            yield connection
    except psycopg.Error as error:
        why = str(error).strip().split("\n")[0]
        raise of_postgres("Postgres failed while roles were made", why) from None
