"""A gateway's lines about requests: the same as any other's, made by a faster library and written together.

Under load they would else cost as much as deciding does. Those of one turn of the event loop are one write.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

NAME = "api.access"


class Line(msgspec.Struct, kw_only=True):
    """Of one request. key: the id of its key, no part of its secret."""

    request_id: str
    trace: str
    method: str
    route: str
    status: int
    key: str | None
    took_ms: float
    event: str = "request"
    level: str = "info"
    logger: str = NAME
    timestamp: datetime


class RequestLines:
    """On standard error, in JSON. For one event loop. now: the wall clock."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._encoder = msgspec.json.Encoder()
        self._waiting: list[bytes] = []

    def __call__(self, **fields: Any) -> None:
        """As `structlog`'s loggers take them."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(self._encoder.encode(Line(**fields, timestamp=self._now())))

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        # As with any other line: nobody's request fails because it could not be written down.
        with suppress(OSError, ValueError):
            sys.stderr.write(b"\n".join(lines).decode() + "\n")
            sys.stderr.flush()
