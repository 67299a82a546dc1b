"""Keep-alive connections to one HTTP server, cheap enough to share the cores of what they measure.

Every request is bytes that were made before. A request for which no connection is free waits here, and is not
forgotten: its time runs from when it was due.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import httptools
import numpy as np
from numpy.typing import NDArray

NOT_SENT, LOST = 0, -1


class Line:
    """The connections together, and what became of each request.

    requests: whole, with their heads. clock: seconds.
    Afterwards `told_s` has when each answer was complete (NaN: never), and `status` its code, LOST where the
    connection broke under it, or NOT_SENT.
    """

    def __init__(self, requests: Sequence[bytes], clock: Callable[[], float]) -> None:
        self._requests = requests
        self._clock = clock
        self._free: deque[Connection] = deque()
        self._waiting: deque[int] = deque()
        self.told_s: NDArray[np.float64] = np.full(len(requests), np.nan)
        self.status: NDArray[np.int16] = np.full(len(requests), NOT_SENT, np.int16)
        self._unanswered = 0
        self._idle = asyncio.Event()

    def send(self, index: int) -> None:
        """A request is due."""
        self._unanswered += 1
        self._waiting.append(index)
        self._match()

    def opened(self, connection: "Connection") -> None:
        self._released(connection)

    def answered(self, connection: "Connection", index: int, status: int) -> None:
        self.told_s[index] = self._clock()
        self._ended(index, status)
        self._released(connection)

    def broken(self, connection: "Connection", index: int | None) -> None:
        if index is not None:
            self._ended(index, LOST)
        elif connection in self._free:
            self._free.remove(connection)

    async def drained(self) -> None:
        """Until what has been sent so far is answered, or lost."""
        while self._unanswered:
            self._idle.clear()
            await self._idle.wait()

    def close(self) -> None:
        while self._free:
            self._free.popleft().close()

    def _ended(self, index: int, status: int) -> None:
        self.status[index] = status
        self._unanswered -= 1
        if not self._unanswered:
            self._idle.set()

    def _released(self, connection: "Connection") -> None:
        self._free.append(connection)
        self._match()

    def _match(self) -> None:
        while self._waiting and self._free:
            index = self._waiting.popleft()
            # The one that has rested longest: none rests so long that the server hangs up.
            self._free.popleft().ask(index, self._requests[index])


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    _transport: Any

    def __init__(self, line: Line) -> None:
        self._line = line
        self._index: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._line.opened(self)

    def ask(self, index: int, request: bytes) -> None:
        self._index = index
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_complete(self) -> None:
        index, self._index = self._index, None
        assert index is not None, "an answer to no request"
        self._line.answered(self, index, self._parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.broken(self, self._index)

    def close(self) -> None:
        self._transport.close()


def post_request(host: str, path: str, key: str, body: bytes) -> bytes:
    """A POST of JSON, whole."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
