"""People who sign in to the monitor, as an operator makes, shows and shuts them out."""

import getpass
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from deploy.jobs.connections import users_of
from streams.settings import Settings
from streams.user_desk import UserDesk


def created_user(
    settings: Settings, name: str, role: str, password: str, *, who: str | None, why: str
) -> dict[str, Any]:
    """
    Raises:
        BadSetting: a name, role or password that cannot be taken.
        Misuse: there is somebody of that name.
    """
    with _desk(settings) as desk:
        return _told(desk.create(name, role, password, actor=_actor(who), why=why))


def reset_user(settings: Settings, name: str, password: str, *, who: str | None, why: str) -> dict[str, Any]:
    """
    Raises:
        BadSetting: a password that cannot be taken.
        NotFound: there is nobody of that name.
    """
    with _desk(settings) as desk:
        return _told(desk.reset(name, password, actor=_actor(who), why=why))


def given_role(settings: Settings, name: str, role: str, *, who: str | None, why: str) -> dict[str, Any]:
    """
    Raises:
        BadSetting: there is no such role.
        NotFound: there is nobody of that name.
        Misuse: it is the last admin.
    """
    with _desk(settings) as desk:
        return _told(desk.give(name, role, actor=_actor(who), why=why))


def disabled_user(settings: Settings, name: str, *, who: str | None, why: str) -> dict[str, Any]:
    """
    Raises:
        NotFound: there is nobody of that name.
        Misuse: it is the last admin.
    """
    with _desk(settings) as desk:
        return _told(desk.disable(name, actor=_actor(who), why=why))


def listed_users(settings: Settings) -> list[dict[str, Any]]:
    """All there ever were, by name; no digests."""
    with _desk(settings) as desk:
        return [_told(record) for record in desk.records()]


@contextmanager
def _desk(settings: Settings) -> Iterator[UserDesk]:
    with users_of(settings) as users:
        yield UserDesk(users, secrets.token_bytes)


def _actor(who: str | None) -> str:
    return who or getpass.getuser()


def _told(record: msgspec.Struct) -> dict[str, Any]:
    return msgspec.to_builtins(record)  # type: ignore[no-any-return]
