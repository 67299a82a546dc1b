"""Who made a model: an Ed25519 signature over its registered name and the hashes of its files.

Optional. A registry that somebody else can write to can then still not bring workers a model of his.
Source: RFC 8032.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.api_key import RandomBytes
from models.errors import BadSetting, ModelRejected

GENERATE = "openssl genpkey -algorithm ed25519 -out model.key"
KEY_BYTES = 32


def signer(key: Path | str) -> Callable[[str, str], str]:
    """Reads a private key in PEM without a password; signs a name and hashes as base64 from then on.

    Raises:
        BadSetting: the file is not that.
    """
    if not isinstance(key, Path | str):
        raise BadSetting(f"a {type(key).__name__} is no path of a signing key", next_step=GENERATE)
    private = _private(Path(key))
    return lambda name, hashes: b64encode(private.sign(_signed(name, hashes))).decode()


def check_signature(key: Path, name: str, hashes: str, signature: str | None) -> None:
    """Refuse what the holder of the key has not signed. key: a public one, in PEM.

    Raises:
        BadSetting: the key file is not that.
        ModelRejected: no signature, or one of another name, other files or another key.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        public_key(key).verify(b64decode(signature or "", validate=True), _signed(name, hashes))
    except (InvalidSignature, ValueError):
        raise ModelRejected(
            f"{name} is {'not signed by the holder of the key' if signature else 'not signed'}",
            why=f"workers take only what {key.name} can verify",
            next_step="register it again where FRAUDML_MODEL_SIGNING_KEY is set",
        ) from None


def public_key(file: Path) -> Any:
    """
    Raises:
        BadSetting: the file is no public key in PEM.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return _key(file, load_pem_public_key, Ed25519PublicKey)


def new_signing_key(random_bytes: RandomBytes) -> bytes:
    """A private key, in PEM without a password."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.from_private_bytes(random_bytes(KEY_BYTES))
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_of(key: Path) -> bytes:
    """The public key of a private one, in PEM.

    Raises:
        BadSetting: the file is no private key in PEM without a password.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public: bytes = _private(key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return public


def _private(key: Path) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return _key(key, lambda content: load_pem_private_key(content, password=None), Ed25519PrivateKey)


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
