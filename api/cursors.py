"""Where a caller was, handed out and taken back: nobody can make one, or use it for another question."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from api.problems import Problem
from models.shared_key import SharedKey, fixed

SIGNATURE_BYTES = 16

Place = TypeVar("Place")


class Cursors:
    """key: shared by all gateways; what is signed here is worth nothing elsewhere."""

    def __init__(self, key: bytes | SharedKey) -> None:
        self._key = fixed(key)

    def seal(self, place: Any, *about: Any) -> str:
        """about: what it was asked for with, such as the filters: whoever comes back must say the same."""
        return _sealed(self._key.signing(), msgspec.json.encode(place), about)

    def open(self, cursor: str, kind: type[Place], *about: Any) -> Place:
        """
        Raises:
            Problem: cursor.
        """
        try:
            found = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise Problem("cursor") from None
        told = found[SIGNATURE_BYTES:]
        # Sealed again and compared whole: decoding passes over what is no base64, and what was handed out
        # comes back as it was.
        if not any(_same(cursor, _sealed(key, told, about)) for key in self._key.accepted()):
            raise Problem("cursor")
        place = msgspec.json.decode(told, type=kind)
        if msgspec.json.encode(place) != told:
            raise Problem("cursor")
        return place


def _same(cursor: str, ours: str) -> bool:
    return hmac.compare_digest(cursor.encode(), ours.encode())


def _sealed(key: bytes, told: bytes, about: tuple[Any, ...]) -> str:
    asked = msgspec.json.encode(about)
    own = hmac.digest(key, b"cursor", sha256)
    signature = hmac.digest(own, b"%d:%b%b" % (len(asked), asked, told), sha256)[:SIGNATURE_BYTES]
    return urlsafe_b64encode(signature + told).decode().rstrip("=")
