"""Random digits for the ids of requests, taken from the system many at a time.

Each call there gives the interpreter away, and a request needs three: while a sweep is on its way, all would
wait to get it back.
"""

import secrets
from collections.abc import Callable

DRAWN_BYTES = 4096


class RandomDigits:
    """For one event loop."""

    def __init__(self, draw: Callable[[int], str] = secrets.token_hex) -> None:
        self._draw = draw
        self._drawn, self._at = "", 0

    def take(self, count: int) -> str:
        """So many hexadecimal digits, none of which was taken before."""
        if self._at + count > len(self._drawn):
            self._drawn, self._at = self._draw(max(DRAWN_BYTES, (count + 1) // 2)), 0
        self._at += count
        return self._drawn[self._at - count : self._at]
