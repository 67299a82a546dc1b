"""Who made a model: an Ed25519 signature over its registered name and the hashes of its files.

Optional. A registry that somebody else can write to can then still not bring workers a model of his.
Source: RFC 8032.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.errors import BadSetting, ModelRejected

GENERATE = "openssl genpkey -algorithm ed25519 -out model.key"


def signer(key: Path | str) -> Callable[[str, str], str]:
    """Reads a private key in PEM without a password; signs a name and hashes as base64 from then on.

    Raises:
        BadSetting: the file is not that.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not isinstance(key, Path | str):
        raise BadSetting(f"a {type(key).__name__} is no path of a signing key", next_step=GENERATE)
    private = _key(Path(key), lambda content: load_pem_private_key(content, password=None), Ed25519PrivateKey)
    return lambda name, hashes: b64encode(private.sign(_signed(name, hashes))).decode()


def check_signature(key: Path, name: str, hashes: str, signature: str | None) -> None:
    """Refuse what the holder of the key has not signed. key: a public one, in PEM.

    Raises:
        BadSetting: the key file is not that.
        ModelRejected: no signature, or one of another name, other files or another key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    public = _key(key, load_pem_public_key, Ed25519PublicKey)
    try:
        public.verify(b64decode(signature or "", validate=True), _signed(name, hashes))
    except (InvalidSignature, ValueError):
        raise ModelRejected(
            f"{name} is {'not signed by the holder of the key' if signature else 'not signed'}",
            why=f"workers take only what {key.name} can verify",
            next_step="register it again where FRAUDML_MODEL_SIGNING_KEY is set",
        ) from None


def _signed(name: str, hashes: str) -> bytes:
    return f"{name}\n{hashes}".encode()


def _key(file: Path, load: Callable[[bytes], Any], kind: type) -> Any:
    try:
        found = load(file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise BadSetting(
            f"{file.name} cannot be read as a key",
            why=str(error),
            next_step=f"give the path of a PEM file without a password: {GENERATE}",
        ) from error
    if not isinstance(found, kind):
        raise BadSetting(f"{file.name} is no Ed25519 key", next_step=GENERATE)
    return found
