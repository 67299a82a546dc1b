"""The head of a request has an end, however it comes."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from api.heads import LARGEST_HEAD_BYTES, BoundedHead


class Line(asyncio.Transport):
    """A connection; told: what its caller hears."""

    def __init__(self) -> None:
        super().__init__()
        self.told = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: Any) -> None:
        self.told += bytes(data)

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def answered(*pieces: bytes) -> Line:
    """What becomes of a connection over which these come."""

    async def one() -> Line:
        config = uvicorn.Config(nobody, log_config=None)
        config.load()
        line, head = Line(), BoundedHead(config, ServerState(), {})
        head.connection_made(line)
        for piece in pieces:
            if not line.closed:
                head.data_received(piece)
        await asyncio.gather(*head.tasks)
        return line

    return asyncio.run(one())


def request(filling: int) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * filling + b"\r\n\r\n"


@pytest.mark.parametrize("filling", [10, LARGEST_HEAD_BYTES - 200])
def test_a_head_that_fits_is_answered(filling: int) -> None:
    line = answered(request(filling))
    assert line.told.startswith(b"HTTP/1.1 204 ")


def test_one_that_is_too_large_is_refused_though_it_comes_at_once() -> None:
    line = answered(request(LARGEST_HEAD_BYTES))
    assert line.told.startswith(b"HTTP/1.1 400 ")
    assert line.closed


def test_one_that_does_not_end_is_refused_before_it_has_grown_further() -> None:
    pieces = [request(0)[:-4], *[b"x" * 1024] * 1000]
    line = answered(*pieces)
    assert line.told.startswith(b"HTTP/1.1 400 ")
    assert line.closed


def test_a_large_body_is_no_head() -> None:
    size = 3 * LARGEST_HEAD_BYTES
    start = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
    line = answered(start, *[b"x" * 1024] * (size // 1024))
    assert line.told.startswith(b"HTTP/1.1 204 ")
