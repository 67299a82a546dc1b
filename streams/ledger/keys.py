"""API keys in the ledger: digests, never secrets; every change stands in the audit table of the same
transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from models.api_key import Kept
from models.errors import Misuse, NotFound
from models.scopes import Key, Scope
from streams.ledger.audit import note
from streams.ledger.connection import Connector, TimedConnection

LIVE = "revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())"
RECORD = f"""
    key_id, env, owner, name, last_four, pepper_id, scopes, limit_per_minute, lifetime, created_at,
    expires_at, revoked_at,
    CASE WHEN {LIVE} THEN 'live' WHEN revoked_at IS NOT NULL THEN 'revoked' ELSE 'expired' END
"""
# One change after the other; whoever reads is not held up.
ONE_AT_A_TIME = "LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE"
LIVING = f"SELECT key_id FROM api_keys WHERE owner = %s AND name = %s AND {LIVE}"
ADD = f"""
    INSERT INTO api_keys (
        key_id, env, digest, pepper_id, last_four, owner, name, scopes, limit_per_minute, lifetime, expires_at
    ) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now() + %s) RETURNING {RECORD}
"""
FIND = f"SELECT {RECORD} FROM api_keys WHERE key_id = %s"
ALL = f"SELECT {RECORD} FROM api_keys ORDER BY created_at, key_id"
ALL_LIVE = f"""
    SELECT key_id, owner, name, scopes, limit_per_minute, env, digest, pepper_id, expires_at
    FROM api_keys WHERE {LIVE}
"""
LIVE_LIMITS = f"""
    SELECT count(*) OVER (), key_id, owner, name, limit_per_minute FROM api_keys WHERE {LIVE}
    ORDER BY created_at DESC, key_id LIMIT %s
"""
RETIRE = f"""
    UPDATE api_keys SET expires_at = least(expires_at, now() + %s) WHERE key_id = %s RETURNING {RECORD}
"""
REVOKE = f"""
    UPDATE api_keys SET revoked_at = now() WHERE key_id = %s AND revoked_at IS NULL RETURNING {RECORD}
"""


class AskedFor(NamedTuple):
    """What a key is to be. lifetime: from when it is made; None for no end."""

    owner: str
    name: str
    scopes: tuple[Scope, ...]
    limit_per_minute: int
    lifetime: timedelta | None = None


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be shown: no digest."""

    key_id: str
    env: str
    owner: str
    name: str
    last_four: str
    pepper_id: str
    scopes: tuple[Scope, ...]
    limit_per_minute: int
    lifetime: timedelta | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    state: Literal["live", "expired", "revoked"]


class LiveKey(NamedTuple):
    """What a presented key is compared with."""

    key: Key
    env: str
    digest: bytes
    pepper_id: str
    expires_at: datetime | None


class KeyLimit(NamedTuple):
    """How often a live key may ask in any 60 s."""

    key_id: str
    owner: str
    name: str
    limit_per_minute: int


class PostgresKeys:
    """Makes, shows and ends keys, by the database's clock. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def create(self, kept: Kept, asked: AskedFor, *, actor: str, why: str) -> KeyRecord:
        """
        Raises:
            Misuse: the owner has a live key of that name.
        """
        with self._connector.use() as connection, _change(connection):
            if living := _living(connection, asked.owner, asked.name):
                raise Misuse(
                    f"{asked.owner} has a live key {asked.name}",
                    why=f"it is {living[0]}",
                    next_step=f"fraudml keys rotate {living[0]}, or choose another name",
                )
            made = _add(connection, kept, asked)
            note(
                connection, "create", f"key {made.key_id}", None, "live", actor=actor, why=why, **_told(made)
            )
            return made

    def rotate(
        self, key_id: str, kept: Kept, overlap: timedelta, *, actor: str, why: str
    ) -> tuple[KeyRecord, KeyRecord]:
        """A second key like this one, which itself ends after the overlap at the latest; both, the new one
        first.

        Raises:
            NotFound: there is no such key.
            Misuse: it is not live, or its owner has two live keys of that name already.
        """
        with self._connector.use() as connection, _change(connection):
            old = _found(connection, key_id)
            _refuse_a_third(old, _living(connection, old.owner, old.name))
            made = _add(connection, kept, _like(old))
            ending = _record(connection.execute(RETIRE, [overlap, key_id]).fetchone())
            words = {"actor": actor, "why": why, **_told(made), "old_expires_at": ending.expires_at}
            note(connection, "rotate", f"key {made.key_id}", f"key {key_id}", "live", **words)
            return made, ending

    def revoke(self, key_id: str, *, actor: str, why: str) -> KeyRecord:
        """End a key now; ending it again changes nothing.

        Raises:
            NotFound: there is no such key.
        """
        with self._connector.use() as connection, _change(connection):
            before = _found(connection, key_id)
            if before.revoked_at is not None:
                return before
            after = _record(connection.execute(REVOKE, [key_id]).fetchone())
            words = {"actor": actor, "why": why, "owner": after.owner, "name": after.name}
            note(connection, "revoke", f"key {key_id}", before.state, "revoked", **words)
            return after

    def find(self, key_id: str) -> KeyRecord:
        """
        Raises:
            NotFound: there is no such key.
        """
        with self._connector.use() as connection:
            return _found(connection, key_id)

    def records(self) -> list[KeyRecord]:
        """All keys there ever were, oldest first."""
        with self._connector.use() as connection:
            return [_record(row) for row in connection.execute(ALL).fetchall()]

    def live(self) -> list[LiveKey]:
        """All that open something now.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection:
            return [_live(row) for row in connection.execute(ALL_LIVE).fetchall()]

    def limits(self, most: int) -> tuple[list[KeyLimit], int]:
        """Those of the live keys made last, at most so many, and how many live keys there are.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection:
            rows = connection.execute(LIVE_LIMITS, [most]).fetchall()
            return [KeyLimit(*row[1:]) for row in rows], rows[0][0] if rows else 0

    def close(self) -> None:
        self._connector.close()


@contextmanager
def _change(connection: TimedConnection) -> Iterator[None]:
    with connection.transaction():
        connection.execute(ONE_AT_A_TIME)
        yield


def _living(connection: TimedConnection, owner: str, name: str) -> list[str]:
    return [key_id for (key_id,) in connection.execute(LIVING, [owner, name]).fetchall()]


def _refuse_a_third(old: KeyRecord, living: Sequence[str]) -> None:
    if old.key_id not in living:
        raise Misuse(f"key {old.key_id} is {old.state}", next_step="fraudml keys create")
    if others := [key_id for key_id in living if key_id != old.key_id]:
        raise Misuse(
            f"{old.owner} has two live keys {old.name}",
            why=f"the other one is {others[0]}",
            next_step="revoke one of them, or wait until it has expired",
        )


def _add(connection: TimedConnection, kept: Kept, asked: AskedFor) -> KeyRecord:
    values = [*kept, asked.owner, asked.name, [*asked.scopes], asked.limit_per_minute]
    return _record(connection.execute(ADD, [*values, asked.lifetime, asked.lifetime]).fetchone())


def _like(old: KeyRecord) -> AskedFor:
    return AskedFor(old.owner, old.name, old.scopes, old.limit_per_minute, old.lifetime)


def _found(connection: TimedConnection, key_id: str) -> KeyRecord:
    row = connection.execute(FIND, [key_id]).fetchone()
    if row is None:
        raise NotFound(f"there is no key {key_id}", next_step="fraudml keys list")
    return _record(row)


def _record(row: Any) -> KeyRecord:
    found = dict(zip(KeyRecord.__struct_fields__, row, strict=True))
    return KeyRecord(**{**found, "scopes": tuple(found["scopes"])})


def _live(row: Any) -> LiveKey:
    key_id, owner, name, scopes, limit_per_minute, *rest = row
    key = Key(key_id=key_id, owner=owner, name=name, scopes=tuple(scopes), limit_per_minute=limit_per_minute)
    return LiveKey(key, *rest)


def _told(made: KeyRecord) -> dict[str, Any]:
    """What the audit table keeps of a new key."""
    names = ("owner", "name", "scopes", "limit_per_minute", "expires_at")
    return {name: getattr(made, name) for name in names}
