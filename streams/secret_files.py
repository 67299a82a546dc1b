"""Secrets of a deployment: set in the environment, or else files of the home folder, made on first use.

The pepper: without it the digests of keys in the ledger are worth nothing; whoever restores a ledger needs
it, else every key must be made anew. The answer key: by it workers know what gateways have answered.
"""

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import SecretStr

from models.api_key import RandomBytes
from models.errors import BadSetting
from models.shared_key import SharedKey
from streams.files_of_secrets import newest_secret
from streams.settings import Settings

log = structlog.get_logger(__name__)

# As the passwords of the embedded stack, and beside them.
FOLDER = "secrets"
PEPPER_FILE, ANSWER_KEY_FILE = "key-pepper", "answer-key"
# What the embedded stack tells its own gateway as API_KEY; no other gateway takes it.
API_KEY_FILE = "api-key"
# What its monitor asks the gateway with, where FRAUDML_MONITOR_KEY does not say it.
MONITOR_KEY_FILE = "monitor-key"
# By the first models are signed, by the second checked; the first lies where no worker or gateway looks.
SIGNING_KEY_FILE, PUBLIC_KEY_FILE = "model-signing-key", "model-public-key"
SIGNING_FOLDER = "signing"
# Beside a secret, the one of before: accepted while it is there.
PREVIOUS = "-previous"
SECRET_BYTES = 24


def pepper_of(settings: Settings, random_bytes: RandomBytes) -> bytes:
    """
    Raises:
        BadSetting: the file cannot be read or made, or others may read it.
    """
    return _secret(settings, settings.key_pepper, PEPPER_FILE, random_bytes, "FRAUDML_KEY_PEPPER")


def answer_key_of(settings: Settings, random_bytes: RandomBytes) -> bytes:
    """
    Raises:
        BadSetting: as above.
    """
    return _secret(settings, settings.answer_key, ANSWER_KEY_FILE, random_bytes, "FRAUDML_ANSWER_KEY")


def shared_pepper(settings: Settings, random_bytes: RandomBytes) -> SharedKey:
    """The pepper, and the one of before while it is rotated; both are looked at again.

    Raises:
        BadSetting: as above.
    """
    return _shared(
        lambda: pepper_of(settings, random_bytes), settings, settings.key_pepper_previous, PEPPER_FILE
    )


def shared_answer_key(settings: Settings, random_bytes: RandomBytes) -> SharedKey:
    """
    Raises:
        BadSetting: as above.
    """
    return _shared(
        lambda: answer_key_of(settings, random_bytes),
        settings,
        settings.answer_key_previous,
        ANSWER_KEY_FILE,
    )


def _shared(current: Callable[[], bytes], settings: Settings, before: SecretStr, file: str) -> SharedKey:
    def read() -> tuple[bytes, ...]:
        previous = _previous(settings, before, file)
        return (current(),) if previous is None else (current(), previous)

    def failed(error: Exception) -> None:
        log.warning("secret_not_read_again", file=file, why=str(error))

    return SharedKey(read, time.monotonic, failed)


def _previous(settings: Settings, given: SecretStr, file: str) -> bytes | None:
    if found := newest_secret(given):
        return found.encode()
    path = settings.home / FOLDER / (file + PREVIOUS)
    try:
        return read_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadSetting(
            f"{path} cannot be used",
            why=str(error.strerror),
            next_step="remove it, or run this as its owner",
        ) from None


def monitor_key_of(settings: Settings) -> str:
    """
    Raises:
        BadSetting: there is none, or others may read it.
    """
    path = settings.home / FOLDER / MONITOR_KEY_FILE
    if given := newest_secret(settings.monitor_key):
        return given
    try:
        return read_file(path).decode()
    except OSError:
        raise BadSetting(
            "the monitor has no key to ask the gateway with",
            next_step="set FRAUDML_MONITOR_KEY to one of the scope users:act, as `fraudml keys create` makes",
        ) from None


def _secret(
    settings: Settings, given: SecretStr, file: str, random_bytes: RandomBytes, variable: str
) -> bytes:
    if set_one := newest_secret(given):
        return set_one.encode()
    path = settings.home / FOLDER / file
    try:
        if not path.exists():
            make_file(path, random_bytes(SECRET_BYTES).hex())
        return read_file(path)
    except OSError as error:
        raise BadSetting(
            f"{path} cannot be used",
            why=str(error.strerror),
            next_step=f"set {variable}, or run this as the user who owns it",
        ) from None


def make_file(path: Path, text: str) -> None:
    """Whole or not at all, and never in place of one that somebody else has just made."""
    path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    whole = path.with_name(f".{path.name}.{os.getpid()}")
    whole.unlink(missing_ok=True)
    with open(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        # Where somebody else has made one meanwhile, that is as good.
        with suppress(FileExistsError):
            os.link(whole, path)
    finally:
        whole.unlink()


def read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            raise BadSetting(f"others may read or write {path}", next_step=f"chmod 600 {path}")
        found = file.read().strip()
    if not found:
        raise BadSetting(f"{path} is empty", next_step="put back the file of your backup")
    return found
