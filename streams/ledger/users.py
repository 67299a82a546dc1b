"""People who sign in, in the ledger: digests, never passwords; every change stands in the audit table of the
same transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from models.errors import Misuse, NotFound
from models.user import Password, Role
from streams.ledger.audit import note
from streams.ledger.connection import Connector, TimedConnection

STATE = "CASE WHEN disabled_at IS NULL THEN 'active' ELSE 'disabled' END"
RECORD = f"name, role, created_at, changed_at, disabled_at, {STATE}"
ONE_AT_A_TIME = "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"
ADD = f"""
    INSERT INTO users (name, role, salt, digest) VALUES (%s, %s, %s, %s)
    ON CONFLICT (name) DO NOTHING RETURNING {RECORD}
"""
FIND = f"SELECT {RECORD} FROM users WHERE name = %s"
ALL = f"SELECT {RECORD} FROM users ORDER BY name"
KNOWN = "SELECT name, role, epoch FROM users WHERE disabled_at IS NULL"
PASSWORD = "SELECT salt, digest FROM users WHERE name = %s AND disabled_at IS NULL"
CHANGE = f"""
    UPDATE users SET {{}}, epoch = epoch + 1, changed_at = now() WHERE name = %s RETURNING {RECORD}
"""
RESET = CHANGE.format("salt = %s, digest = %s, disabled_at = NULL")
GIVE = CHANGE.format("role = %s")
DISABLE = CHANGE.format("disabled_at = now()")
# Who may act, and what a password opens, stay as they are: it is no change that a list of people shows.
SIGN_OUT = "UPDATE users SET epoch = epoch + 1 WHERE name = %s AND epoch = %s AND disabled_at IS NULL"
OTHER_ADMINS = "SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL AND name <> %s"


class UserRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody as he may be shown."""

    name: str
    role: Role
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None
    state: Literal["active", "disabled"]


class KnownUser(NamedTuple):
    """What a token is compared with."""

    name: str
    role: Role
    epoch: int


class PostgresUsers:
    """Makes, shows and disables people, by the database's clock. Not for several threads at once.

    After each change but the first, what somebody has signed in with opens nothing any more.
    """

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def create(self, name: str, role: Role, password: Password, *, actor: str, why: str) -> UserRecord:
        """
        Raises:
            Misuse: there is somebody of that name.
        """
        with self._connector.use() as connection, _change(connection):
            row = connection.execute(ADD, [name, role, *password]).fetchone()
            if row is None:
                raise Misuse(f"there is a user {name}", next_step="choose another name, or reset it")
            note(connection, "create", f"user {name}", None, role, actor=actor, why=why)
            return _record(row)

    def reset(self, name: str, password: Password, *, actor: str, why: str) -> UserRecord:
        """Another password; who was disabled is not any more.

        Raises:
            NotFound: there is nobody of that name.
        """
        with self._connector.use() as connection, _change(connection):
            before = _found(connection, name)
            note(connection, "reset", f"user {name}", before.state, "active", actor=actor, why=why)
            return _record(connection.execute(RESET, [*password, name]).fetchone())

    def give(self, name: str, role: Role, *, actor: str, why: str) -> UserRecord:
        """Another role.

        Raises:
            NotFound: there is nobody of that name.
            Misuse: nobody would be left to administer users.
        """
        with self._connector.use() as connection, _change(connection):
            before = _found(connection, name)
            if role != "admin":
                _leave_an_admin(connection, before)
            note(connection, "role", f"user {name}", before.role, role, actor=actor, why=why)
            return _record(connection.execute(GIVE, [role, name]).fetchone())

    def disable(self, name: str, *, actor: str, why: str) -> UserRecord:
        """Shut somebody out; doing it again changes nothing.

        Raises:
            NotFound: there is nobody of that name.
            Misuse: nobody would be left to administer users.
        """
        with self._connector.use() as connection, _change(connection):
            before = _found(connection, name)
            if before.state == "disabled":
                return before
            _leave_an_admin(connection, before)
            note(connection, "disable", f"user {name}", "active", "disabled", actor=actor, why=why)
            return _record(connection.execute(DISABLE, [name]).fetchone())

    def sign_out(self, name: str, epoch: int, *, actor: str, why: str) -> None:
        """End what somebody has signed in with under this epoch; where it has risen, nothing changes."""
        with self._connector.use() as connection, _change(connection):
            if connection.execute(SIGN_OUT, [name, epoch]).rowcount:
                words = {"actor": actor, "why": why}
                note(connection, "sign out", f"user {name}", "signed in", "signed out", **words)

    def records(self) -> list[UserRecord]:
        """All there ever were, by name."""
        with self._connector.use() as connection:
            return [_record(row) for row in connection.execute(ALL).fetchall()]

    def known(self) -> list[KnownUser]:
        """All who may act now.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection:
            return [KnownUser(*row) for row in connection.execute(KNOWN).fetchall()]

    def password(self, name: str) -> Password | None:
        """Of somebody who may sign in."""
        with self._connector.use() as connection:
            row = connection.execute(PASSWORD, [name]).fetchone()
        return None if row is None else Password(*map(bytes, row))

    def close(self) -> None:
        self._connector.close()


@contextmanager
def _change(connection: TimedConnection) -> Iterator[None]:
    with connection.transaction():
        connection.execute(ONE_AT_A_TIME)
        yield


def _leave_an_admin(connection: TimedConnection, leaving: UserRecord) -> None:
    if leaving.role != "admin" or leaving.state != "active":
        return
    row = connection.execute(OTHER_ADMINS, [leaving.name]).fetchone()
    if row is None or not row[0]:
        raise Misuse(f"{leaving.name} is the last admin", next_step="make another one first")


def _found(connection: TimedConnection, name: str) -> UserRecord:
    row = connection.execute(FIND, [name]).fetchone()
    if row is None:
        raise NotFound(f"there is no user {name}", next_step="fraudml users list")
    return _record(row)


def _record(row: Any) -> UserRecord:
    return UserRecord(**dict(zip(UserRecord.__struct_fields__, row, strict=True)))
