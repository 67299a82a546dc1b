"""Where each setting comes from, in the order of streams/settings.py: environment, .env, stack, default."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from dotenv import dotenv_values

from deploy.stack.account import ourselves
from deploy.stack.home import Home
from models.errors import Misuse
from streams.kinds_of_settings import masked
from streams.settings import Settings, env_files, home_folder, read_settings, variable_of

Origin = Literal["environment", ".env", "stack", "default"]
# The settings that say where the services are.
ADDRESSES = {
    "kafka": "kafka_bootstrap_servers",
    "valkey": "redis_url",
    "postgres": "database_url",
    "mlflow": "mlflow_tracking_uri",
}
SET_BY_USER: tuple[Origin, ...] = ("environment", ".env")


class Shown(NamedTuple):
    """A setting as it may be shown: no password."""

    variable: str
    value: str
    origin: Origin


def shown_settings() -> list[Shown]:
    settings = read_settings()
    found = origins()
    return [
        Shown(variable_of(field), _as_text(getattr(settings, field)), origin)
        for field, origin in found.items()
    ]


def origins() -> dict[str, Origin]:
    """The origin of every setting, by field name.

    An address in the environment that is the embedded stack's own is the stack's: somebody has read its
    stack.env into a shell.
    """
    stack_env, dot_env = env_files()
    sources: list[tuple[Origin, Mapping[str, str | None]]] = [
        ("environment", os.environ),
        (".env", _read(dot_env)),
        ("stack", _read(stack_env)),
    ]
    set_in = [(origin, _set_names(source)) for origin, source in sources]
    found = {field: _origin(_names(field), set_in) for field in Settings.model_fields}
    ports = Home(home_folder(), ourselves()).read_state().ports
    for service, field in ADDRESSES.items():
        if found[field] == "environment" and service in ports and _is_at(os.environ, field, ports[service]):
            found[field] = "stack"
    return found


def _is_at(environment: Mapping[str, str], field: str, port: int) -> bool:
    return any(f"127.0.0.1:{port}" in environment.get(name, "") for name in _names(field))


def refuse_external_servers(what: str) -> None:
    """
    Raises:
        Misuse: an address of somebody's servers is set; `what` must not reach them.
    """
    found = origins()
    given = [variable_of(field) for field in ADDRESSES.values() if found[field] in SET_BY_USER]
    if given:
        names = ", ".join(given)
        verb = "is" if len(given) == 1 else "are"
        raise Misuse(
            f"{names} {verb} set", why=f"{what} runs on a stack of its own", next_step=f"unset {names}"
        )


def _origin(names: set[str], set_in: list[tuple[Origin, set[str]]]) -> Origin:
    return next((origin for origin, set_names in set_in if names & set_names), "default")


def _names(field: str) -> set[str]:
    """A setting named by the user's guide listens to its prefixed name as well."""
    return {variable_of(field), f"FRAUDML_{field.upper()}"}


def _set_names(source: Mapping[str, str | None]) -> set[str]:
    """As pydantic-settings reads them: whatever the case, and an empty value is none."""
    return {name.upper() for name, value in source.items() if value}


def _read(path: Path) -> dict[str, str | None]:
    return dotenv_values(path) if path.exists() else {}


def _as_text(value: object) -> str:
    return "" if value is None else masked(value)
