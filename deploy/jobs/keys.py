"""Keys of the gateway, as an operator makes, shows and ends them."""

import getpass
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec

from deploy.jobs.connections import keys_of
from streams.key_desk import KeyDesk, asked_for
from streams.secret_files import pepper_of
from streams.settings import Settings


def created_key(
    settings: Settings,
    *,
    env: str,
    owner: str,
    name: str,
    scopes: list[str],
    limit_per_minute: int,
    expires_days: int | None,
    who: str | None,
    why: str,
) -> dict[str, Any]:
    """`{"key": ..., and what `fraudml keys list` shows of it}`

    Raises:
        BadSetting: a scope that there is not, a name that cannot be shown, or no pepper to be had.
        Misuse: the owner has a live key of that name.
    """
    asked = asked_for(owner, name, scopes, limit_per_minute, expires_days)
    with _desk(settings) as desk:
        return _told(desk.create(env, asked, grantor=None, actor=who or getpass.getuser(), why=why))


def rotated_key(
    settings: Settings, key_id: str, *, overlap_hours: float, who: str | None, why: str
) -> dict[str, Any]:
    """`{"key": ..., "rotated": the old one, and what is shown of the new one}`

    Raises:
        NotFound: there is no such key.
        Misuse: it is not live, or there are two of its name already.
    """
    overlap, actor = timedelta(hours=overlap_hours), who or getpass.getuser()
    with _desk(settings) as desk:
        return _told(desk.rotate(key_id, overlap, grantor=None, actor=actor, why=why))


def revoked_key(settings: Settings, key_id: str, *, who: str | None, why: str) -> dict[str, Any]:
    """
    Raises:
        NotFound: there is no such key.
    """
    with _desk(settings) as desk:
        return _told(desk.revoke(key_id, actor=who or getpass.getuser(), why=why))


def listed_keys(settings: Settings) -> list[dict[str, Any]]:
    """All keys there ever were, oldest first; no secret and no digest."""
    with _desk(settings) as desk:
        return [_told(record) for record in desk.records()]


@contextmanager
def _desk(settings: Settings) -> Iterator[KeyDesk]:
    with keys_of(settings) as keys:
        yield KeyDesk(keys, lambda: pepper_of(settings, secrets.token_bytes), secrets.token_bytes)


def _told(record: msgspec.Struct) -> dict[str, Any]:
    return msgspec.to_builtins(record)  # type: ignore[no-any-return]
