"""Keys of the gateway, as an operator makes, shows and ends them. A key is told once, when it is made."""

import getpass
import secrets
from datetime import timedelta
from typing import Any

import msgspec

from deploy.jobs.connections import keys_of
from models.api_key import make, plain_name
from models.scopes import known_scopes
from streams.ledger.keys import AskedFor
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
    lifetime = None if expires_days is None else timedelta(days=expires_days)
    named = plain_name("owner", owner), plain_name("name", name)
    asked = AskedFor(*named, known_scopes(scopes), limit_per_minute, lifetime)
    written = make(env, secrets.token_bytes)
    kept = written.kept(pepper_of(settings, secrets.token_bytes))
    with keys_of(settings) as keys:
        made = keys.create(kept, asked, actor=who or getpass.getuser(), why=why)
    return {"key": written.text, **msgspec.to_builtins(made)}


def rotated_key(
    settings: Settings, key_id: str, *, overlap_hours: float, who: str | None, why: str
) -> dict[str, Any]:
    """`{"key": ..., "rotated": the old one, and what is shown of the new one}`

    Raises:
        NotFound: there is no such key.
        Misuse: it is not live, or there are two of its name already.
    """
    with keys_of(settings) as keys:
        written = make(keys.find(key_id).env, secrets.token_bytes)
        kept = written.kept(pepper_of(settings, secrets.token_bytes))
        overlap, actor = timedelta(hours=overlap_hours), who or getpass.getuser()
        made, old = keys.rotate(key_id, kept, overlap, actor=actor, why=why)
    return {"key": written.text, **msgspec.to_builtins(made), "rotated": msgspec.to_builtins(old)}


def revoked_key(settings: Settings, key_id: str, *, who: str | None, why: str) -> dict[str, Any]:
    """
    Raises:
        NotFound: there is no such key.
    """
    with keys_of(settings) as keys:
        ended = keys.revoke(key_id, actor=who or getpass.getuser(), why=why)
    return msgspec.to_builtins(ended)  # type: ignore[no-any-return]


def listed_keys(settings: Settings) -> list[dict[str, Any]]:
    """All keys there ever were, oldest first; no secret and no digest."""
    with keys_of(settings) as keys:
        return [msgspec.to_builtins(record) for record in keys.records()]
