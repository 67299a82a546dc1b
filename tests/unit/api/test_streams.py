"""A stream of events takes no place from those who ask and go."""

import asyncio
from typing import Any

import pytest

from api.shedding import Admission, Shedding

PATH = "/v1/alerts"


def in_progress_while_answering(content_type: str, path: str = PATH) -> list[int]:
    """How many places are taken: before the answer begins, within it, and after it."""
    admission, seen = Admission(10), list[int]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(admission.in_progress)
        headers = [(b"Content-Type", content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        seen.append(admission.in_progress)
        await send({"type": "http.response.body", "body": b""})

    async def send(_: Any) -> None:
        pass

    asyncio.run(Shedding(app, admission)({"type": "http", "path": path}, send, send))  # type: ignore[arg-type]
    return [*seen, admission.in_progress]


def test_a_stream_gives_its_place_back_when_it_begins() -> None:
    assert in_progress_while_answering("text/event-stream; charset=utf-8") == [1, 0, 0]


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json"])
def test_anything_else_keeps_it_to_its_end(content_type: str) -> None:
    assert in_progress_while_answering(content_type) == [1, 1, 0]
