"""Where a caller was, handed out and taken back: nobody can make one, or use it for another question."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from api.problems import Problem

SIGNATURE_BYTES = 16

Place = TypeVar("Place")


class Cursors:
    """key: shared by all gateways; what is signed here is worth nothing elsewhere."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"cursor", sha256)

    def seal(self, place: Any, *about: Any) -> str:
        """about: what it was asked for with, such as the filters: whoever comes back must say the same."""
        told = msgspec.json.encode(place)
        return urlsafe_b64encode(self._signature(told, about) + told).decode().rstrip("=")

    def open(self, cursor: str, kind: type[Place], *about: Any) -> Place:
        """
        Raises:
            Problem: cursor.
        """
        try:
            found = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise Problem("cursor") from None
        signature, told = found[:SIGNATURE_BYTES], found[SIGNATURE_BYTES:]
        # Decoding passes over what is no base64: only what was handed out comes back as it was.
        if not hmac.compare_digest(signature, self._signature(told, about)):
            raise Problem("cursor")
        place = msgspec.json.decode(told, type=kind)
        if cursor != self.seal(place, *about):
            raise Problem("cursor")
        return place

    def _signature(self, told: bytes, about: tuple[Any, ...]) -> bytes:
        asked = msgspec.json.encode(about)
        return hmac.digest(self._key, b"%d:%b%b" % (len(asked), asked, told), sha256)[:SIGNATURE_BYTES]
