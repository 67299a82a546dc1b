"""Secrets that a file holds: for every secret setting X, X_FILE in the environment names it.

A client that connects anew reads its file again, so a password changes without a restart.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from models.errors import BadSetting

SUFFIX = "_FILE"


class HeldAddress(str):
    """An address with a password, as its file held it when the settings were read."""

    file: Path

    @classmethod
    def of(cls, file: Path) -> "HeldAddress":
        made = cls(read_held(file))
        made.file = file
        return made

    def put(self, text: str) -> "HeldAddress":
        """Another text of the same file, such as one with more of what a client is to be told."""
        made = HeldAddress(text)
        made.file = self.file
        return made


class HeldSecret(SecretStr):
    """A secret, as its file held it when the settings were read."""

    def __init__(self, file: Path) -> None:
        super().__init__(read_held(file))
        self.file = file


def newest(address: str) -> str:
    """What the file holds by this moment; an address that was given as such is as it was.

    Raises:
        BadSetting: the file cannot be read, or is empty.
    """
    return read_held(address.file) if isinstance(address, HeldAddress) else address


def newest_secret(secret: SecretStr) -> str:
    """The same, of a secret.

    Raises:
        BadSetting: as above.
    """
    return read_held(secret.file) if isinstance(secret, HeldSecret) else secret.get_secret_value()


def read_held(file: Path) -> str:
    """
    Raises:
        BadSetting: the file cannot be read, is not text, or is empty. Its content is not told.
    """
    try:
        found = file.read_text().strip()
    except OSError as error:
        _refuse(file, str(error.strerror))
    except UnicodeDecodeError:
        _refuse(file, "it is not text")
    if not found:
        _refuse(file, "it is empty")
    return found


def _refuse(file: Path, why: str) -> NoReturn:
    raise BadSetting(
        f"the secret in {file} cannot be used", why=why, next_step="put the secret there, and nothing else"
    )


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that files hold.

    variables: by field, those that may be named with _FILE behind them; the first is the one to tell of.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        variables: Mapping[str, tuple[str, ...]],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(settings_cls)
        self._variables = variables
        self._environment = environment

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Asked for by the library; all is told by the call."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """
        Raises:
            BadSetting: a file cannot be used, or secret and file are both set.
        """
        found: dict[str, Any] = {}
        for field, names in self._variables.items():
            if file := self._set(name + SUFFIX for name in names):
                if self._set(names):
                    raise BadSetting(
                        f"{names[0]} and {names[0]}{SUFFIX} are both set", next_step="unset one of them"
                    )
                info = self.settings_cls.model_fields[field]
                held = HeldSecret(Path(file)) if info.annotation is SecretStr else HeldAddress.of(Path(file))
                found[str(info.validation_alias or field)] = held
        return found

    def _set(self, names: Iterable[str]) -> str | None:
        return next((self._environment[name] for name in names if self._environment.get(name)), None)
