"""Encryption of a backup's files, by the age format: X25519 and ChaCha20-Poly1305 in authenticated chunks.

A backup is encrypted to public keys, so the machine that makes it cannot read it.
Source: age-encryption.org/v1.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy.backup.errors import BadBackup, CannotBackUp
from models.errors import BadSetting

GENERATE = "age-keygen -o key.txt, and age-keygen -y key.txt for its public key"
ENDING = ".age"


def recipients_of(file: Path) -> list[Any]:
    """Whom to encrypt to: public keys of age, one a line.

    Raises:
        BadSetting: the file holds none, or something else.
    """
    return _keys(file, "public key", "age1", lambda line: _age().x25519.Recipient.from_str(line))


def identities_of(file: Path) -> list[Any]:
    """Whose a backup may be: secret keys of age, one a line.

    Raises:
        BadSetting: as above.
    """
    return _keys(file, "secret key", "AGE-SECRET-KEY-", lambda line: _age().x25519.Identity.from_str(line))


def seal(path: Path, recipients: Sequence[Any]) -> Path:
    """Encrypt a file, and remove it as it was. Where it lies then."""
    whole = path.with_name(path.name + ENDING)
    with path.open("rb") as plain, whole.open("wb") as written:
        _age().encrypt_io(plain, written, list(recipients))
    path.unlink()
    return whole


def unseal(path: Path, to: Path, identities: Sequence[Any]) -> None:
    """Decrypt a file.

    Raises:
        BadBackup: no key fits, or it is not what was encrypted.
    """
    age = _age()
    try:
        with path.open("rb") as held, to.open("wb") as plain:
            age.decrypt_io(held, plain, list(identities))
    except (age.DecryptError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise BadBackup(
            f"{path.name} cannot be decrypted", why=str(error), next_step="name the file of the right key"
        ) from None


def _age() -> Any:
    try:
        import pyrage
    except ModuleNotFoundError:
        raise CannotBackUp(
            "encryption is not installed",
            why="there is no package pyrage",
            next_step="install the extra backup",
        ) from None
    return pyrage


def _keys(file: Path, what: str, begins: str, read: Callable[[str], Any]) -> list[Any]:
    age = _age()
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
        found = [read(line) for line in lines if line and not line.startswith("#")]
    except (OSError, UnicodeDecodeError, age.RecipientError, age.IdentityError) as error:
        # Not the line itself: it may be a secret in the wrong place.
        why = (
            str(error)
            if isinstance(error, OSError)
            else f"a line does not begin with {begins}, or is damaged"
        )
        raise BadSetting(f"{file} holds no {what} of age", why=why, next_step=GENERATE) from None
    if not found:
        raise BadSetting(f"{file} holds no {what} of age", why="it is empty", next_step=GENERATE)
    return found
