"""Where keys are made, rotated and ended, by the command line and by the gateway alike. A key is told once,
when it is made."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from models.api_key import Kept, RandomBytes, Written, make, plain_name
from models.errors import BadSetting
from models.scopes import Key, known_scopes
from models.user import OWNER
from streams.ledger.keys import AskedFor, KeyLimit, KeyRecord, PostgresKeys


class NewKey(KeyRecord, frozen=True, kw_only=True):
    """key: as its owner is to write it. Never shown again, nor logged."""

    key: str

    def __repr__(self) -> str:
        return f"NewKey({self.key_id}, ****)"

    def __str__(self) -> str:
        return repr(self)


class RotatedKey(NewKey, frozen=True, kw_only=True):
    """rotated: the old one, with its new end."""

    rotated: KeyRecord


def asked_for(
    owner: str, name: str, scopes: Iterable[str], limit_per_minute: int, expires_days: int | None
) -> AskedFor:
    """
    Raises:
        BadSetting: a scope that there is not, or a name that cannot be shown.
    """
    lifetime = None if expires_days is None else timedelta(days=expires_days)
    if owner == OWNER:
        raise BadSetting(f"no key belongs to {OWNER!r}", why="what people do is told by it")
    named = plain_name("owner", owner), plain_name("name", name)
    return AskedFor(*named, known_scopes(scopes), limit_per_minute, lifetime)


class KeyDesk:
    """grantor, below: the key that asks for it; None for whoever may do everything.

    pepper: asked for when a key is made; it may be made by that.
    """

    def __init__(self, keys: PostgresKeys, pepper: Callable[[], bytes], random_bytes: RandomBytes) -> None:
        self._keys = keys
        self._pepper = pepper
        self._random_bytes = random_bytes

    def create(self, env: str, asked: AskedFor, *, grantor: Key | None, actor: str, why: str) -> NewKey:
        """
        Raises:
            BadSetting: `env` cannot stand in a key, or there is no pepper to be had.
            Forbidden: the grantor lacks a scope of it.
            Misuse: the owner has a live key of that name.
        """
        if grantor is not None:
            grantor.require_grant(asked.scopes)
        written, kept = self._written(env)
        return _new(written, self._keys.create(kept, asked, actor=actor, why=why))

    def rotate(
        self, key_id: str, overlap: timedelta, *, grantor: Key | None, actor: str, why: str
    ) -> RotatedKey:
        """
        Raises:
            NotFound: there is no such key.
            Forbidden: the grantor lacks a scope of it.
            Misuse: it is not live, or there are two of its name already.
        """
        old = self._keys.find(key_id)
        if grantor is not None:
            # Whoever rotates a key is told one that opens as much.
            grantor.require_grant(old.scopes)
        written, kept = self._written(old.env)
        made, ending = self._keys.rotate(key_id, kept, overlap, actor=actor, why=why)
        return RotatedKey(**_fields(made), key=written.text, rotated=ending)

    def revoke(self, key_id: str, *, actor: str, why: str) -> KeyRecord:
        """
        Raises:
            NotFound: there is no such key.
        """
        return self._keys.revoke(key_id, actor=actor, why=why)

    def records(self) -> list[KeyRecord]:
        """All keys there ever were, oldest first; no secret and no digest."""
        return self._keys.records()

    def limits(self, most: int) -> tuple[list[KeyLimit], int]:
        """As `PostgresKeys.limits`."""
        return self._keys.limits(most)

    def close(self) -> None:
        self._keys.close()

    def _written(self, env: str) -> tuple[Written, Kept]:
        written = make(env, self._random_bytes)
        return written, written.kept(self._pepper())


def _new(written: Written, made: KeyRecord) -> NewKey:
    return NewKey(**_fields(made), key=written.text)


def _fields(record: KeyRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
