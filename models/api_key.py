"""API keys: `fsk_<env>_<key id>_<secret>_<checksum>`. What is kept of one tells nobody how to write it.

The prefix lets scanners of source code find a leaked key; the checksum tells a typing error, and most of what
was never a key, before anything is looked up.
"""

import hashlib
import hmac
import re
import string
import zlib
from collections.abc import Callable
from typing import NamedTuple

from models.errors import BadSetting, Unauthenticated
from models.scopes import ACTOR_SEPARATOR

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
LONGEST_NAME = 64
KEY_ID_BYTES, SECRET_BYTES = 8, 32
KEY_ID_SIGNS, SECRET_SIGNS, CHECKSUM_SIGNS = 11, 43, 6
ENV = re.compile(r"[a-z0-9]{1,16}")
FORM = re.compile(
    rf"fsk_(?P<env>{ENV.pattern})_(?P<key_id>[0-9A-Za-z]{{{KEY_ID_SIGNS}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{SECRET_SIGNS}}})_(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_SIGNS}}})"
)
# Compared with where there is no key of that id, so that it takes as long as where there is one.
NOBODYS_DIGEST = bytes(hashlib.sha256().digest_size)

RandomBytes = Callable[[int], bytes]


class Kept(NamedTuple):
    """What is kept of a key. pepper_id: tells which pepper the digest was made with."""

    key_id: str
    env: str
    digest: bytes
    pepper_id: str
    last_four: str


class Written(NamedTuple):
    """A key in its parts, as somebody has written it. Never shown: it holds the secret."""

    env: str
    key_id: str
    secret: str

    @property
    def text(self) -> str:
        body = f"fsk_{self.env}_{self.key_id}_{self.secret}"
        return f"{body}_{_checksum(body)}"

    @property
    def last_four(self) -> str:
        """By which a person tells two keys apart."""
        return self.text[-4:]

    def kept(self, pepper: bytes) -> Kept:
        digest = digest_of(pepper, self.secret)
        return Kept(self.key_id, self.env, digest, pepper_id(pepper), self.last_four)

    def __repr__(self) -> str:
        return f"Written(fsk_{self.env}_{self.key_id}_****)"

    def __str__(self) -> str:
        return repr(self)


def make(env: str, random_bytes: RandomBytes) -> Written:
    """A new key.

    Args:
        env: a word for what it is for, such as live or test: at most 16 of a-z and 0-9.
        random_bytes: `secrets.token_bytes`, but for tests.
    Raises:
        BadSetting: `env` is no such word.
    """
    check_env(env)
    key_id = _base62(random_bytes(KEY_ID_BYTES), KEY_ID_SIGNS)
    return Written(env, key_id, _base62(random_bytes(SECRET_BYTES), SECRET_SIGNS))


def check_env(env: str) -> None:
    """
    Raises:
        BadSetting: it cannot stand in a key.
    """
    if not ENV.fullmatch(env):
        raise BadSetting(f"{env} cannot stand in a key", next_step="use a word of a-z and 0-9, such as live")


def parse(text: str) -> Written:
    """
    Raises:
        Unauthenticated: this was never a key, or was copied badly.
    """
    found = FORM.fullmatch(text)
    if found is None or found["checksum"] != _checksum(text.rpartition("_")[0]):
        raise not_a_key()
    return Written(found["env"], found["key_id"], found["secret"])


def plain_name(what: str, text: str) -> str:
    """An owner's name, or that of a key: it is shown in tables and logs.

    Raises:
        BadSetting: it is none that can be shown there.
    """
    shown = text.isprintable() and text == text.strip() and ACTOR_SEPARATOR not in text
    if not 1 <= len(text) <= LONGEST_NAME or not shown:
        raise BadSetting(
            f"this {what} cannot be shown in a table",
            next_step=f"use 1 to {LONGEST_NAME} printable characters, no / and no blanks around them",
        )
    return text


def digest_of(pepper: bytes, secret: str) -> bytes:
    """What is kept of a secret, 32 bytes. A secret of 256 random bits needs no slow hash."""
    return hmac.digest(pepper, secret.encode("utf-8", "surrogatepass"), "sha256")


def pepper_id(pepper: bytes) -> str:
    """By which digests of another pepper are told; 16 hexadecimal digits."""
    return hmac.digest(pepper, b"fraudml: which pepper", "sha256").hex()[:16]


def same_digest(known: bytes | None, found: bytes) -> bool:
    """Whether a digest is the one that is known. Takes as long where none is."""
    alike = hmac.compare_digest(NOBODYS_DIGEST if known is None else known, found)
    return alike and known is not None


def not_a_key() -> Unauthenticated:
    """The same words whatever is wrong with a key: nobody learns by them which ids there are."""
    return Unauthenticated(
        "this key does not open anything",
        why="it was mistyped, has expired, was revoked, or never was one",
        next_step="ask for a new key",
    )


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()).to_bytes(4, "big"), CHECKSUM_SIGNS)


def _base62(data: bytes, signs: int) -> str:
    """A number of fixed width, with leading zeros."""
    rest, written = int.from_bytes(data, "big"), []
    for _ in range(signs):
        rest, sign = divmod(rest, 62)
        written.append(BASE62[sign])
    return "".join(reversed(written))
