"""A line of a request is the same however it is made, and those of one moment are one write."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from api.request_lines import RequestLines
from api.request_log import structured
from streams.logs import set_up_logs

FIELDS: dict[str, Any] = {
    "request_id": "till-4711",
    "trace": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "method": "POST",
    "route": "/v1/score",
    "status": 200,
    "key": None,
    "took_ms": 4.25,
}


class Written(io.StringIO):
    """Standard error that counts how often it is written to."""

    writes = 0

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError("nobody reads")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, config = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**config)


def written(monkeypatch: pytest.MonkeyPatch, *moments: list[str], stream: Any = None) -> Any:
    """Lines of requests with these ids, those of a moment in one turn of the loop."""
    stream = stream or Written()
    monkeypatch.setattr(sys, "stderr", stream)
    lines = RequestLines(lambda: datetime(2018, 6, 1, 3, tzinfo=UTC))

    async def run() -> None:
        for moment in moments:
            for name in moment:
                lines(**FIELDS | {"request_id": name})
            await asyncio.sleep(0)

    asyncio.run(run())
    return stream


def test_a_line_says_what_any_loggers_line_would(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> None:
    set_up_logs("info", terminal=False)
    structured(**FIELDS)
    usual = json.loads(capsys.readouterr().err)
    ours = json.loads(written(monkeypatch, [FIELDS["request_id"]]).getvalue())
    assert list(ours) == list(usual)
    assert ours.pop("timestamp") == "2018-06-01T03:00:00Z"
    assert datetime.fromisoformat(usual.pop("timestamp")).tzinfo == UTC
    assert ours == usual


def test_lines_of_one_moment_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = written(monkeypatch, ["a", "b", "c"], ["d"])
    assert [json.loads(line)["request_id"] for line in stream.getvalue().splitlines()] == [*"abcd"]
    assert stream.writes == 2


def test_a_line_that_cannot_be_written_stops_no_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    written(monkeypatch, ["a"], ["b"], stream=Closed())
