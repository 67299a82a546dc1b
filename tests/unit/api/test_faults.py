"""What nobody has foreseen, and callers who are gone before they are answered."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from models.errors import SchemaUnknown
from tests.unit.api.guarded import Caller, key_of

KEYS = {"key": key_of(["stats:read", "score:write", "reviews:write", "decisions:read"])}


def failing(error: Exception) -> Any:
    async def ask(*_: Any, **__: Any) -> Any:
        raise error

    return SimpleNamespace(ask=ask, audit=None, keys=None, rules=SimpleNamespace(overview=None))


@pytest.mark.parametrize(
    "error", [RuntimeError("a mistake of ours"), SchemaUnknown("another schema")], ids=["unnamed", "named"]
)
def test_a_fault_of_ours_is_in_the_log_under_the_id_that_the_caller_is_told(error: Exception) -> None:
    caller = Caller(KEYS, administration=failing(error))
    with capture_logs() as lines:
        answer = caller.ask("GET", "/v1/ab", "key")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    told = answer.json()["request_id"]
    assert answer.headers.get_list("x-request-id") == [told]
    faults = [line for line in lines if line["event"] == "fault"]
    assert [line["request_id"] for line in faults] == [told]
    assert str(error) not in answer.text


def test_who_hangs_up_within_a_body_is_no_fault() -> None:
    caller = Caller(KEYS)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/score",
        "raw_path": b"/v1/score",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"x-api-key", b"key"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
    }
    with capture_logs() as lines:
        asyncio.run(caller.app(scope, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [499]
    assert [line["event"] for line in lines] == ["request"]


def test_one_verdict_on_many_is_given_once_to_each() -> None:
    asked: list[list[str]] = []

    async def decide_all(names: list[str], *_: Any) -> list[Any]:
        asked.append(names)
        return [SchemaUnknown(name) for name in names]

    caller = Caller(KEYS, reviewing=SimpleNamespace(decide_all=decide_all))
    finding = {"verdict": "fraud", "reason_code": "fraud_pattern", "transaction_ids": ["a", "b", "a"]}
    answer = caller.ask("POST", "/v1/reviews:decide", "key", json=finding)
    assert asked == [["a", "b"]]
    assert [each["transaction_id"] for each in answer.json()["results"]] == ["a", "b", "a"]


def test_nobody_is_called_by_what_cannot_be_seen() -> None:
    answer = Caller(KEYS).ask("GET", "/v1/reviews?held_by=%00", "key")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")
