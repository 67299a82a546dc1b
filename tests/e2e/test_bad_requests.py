"""docs/bad-input.md at the HTTP edge: whatever is wrong with a body has its status and its problem."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from models.transaction import CARD_NUMBER
from streams.settings import CHECKOUT
from tests.builders import encoded, label, transaction
from tests.e2e.gateways import words_of
from tests.unit.streams.test_codecs import BAD, ODD, time

pytestmark = pytest.mark.stack

PAGE = (CHECKOUT / "docs" / "bad-input.md").read_text()
BY_HTTP: dict[str, tuple[int, str]] = {
    name: (int(status), code)
    for name, status, code in re.findall(
        r"^\| ([^|]+) \| (\d{3}) \| `?(\w*)`? \|$", PAGE.partition("## By HTTP")[2], re.MULTILINE
    )
}
# Other bodies than those of a record, and how they are sent.
OTHERS: dict[str, dict[str, Any]] = {
    "a body of 900 KB": {"content": b"x" * 900_000},
    "a body of 1.1 MB": {"content": b"x" * 1_100_000},
    "a body of 10 MB": {"content": b"x" * 10_000_000},
    "a body of 10 MB in chunks": {"content": lambda: chunks(1000)},
    "a form": {"content": b"a=b", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
}
CARD = "4111111111111111"


async def chunks(count: int) -> Any:
    for _ in range(count):
        yield b"x" * 10_000


@pytest.fixture(scope="module")
def poster(caller: httpx.Client) -> Iterator[httpx.Client]:
    headers = {"X-API-Key": caller.headers["X-API-Key"], "Content-Type": "application/json"}
    with httpx.Client(base_url=caller.base_url, headers=headers, timeout=20) as client:
        yield client


AHEAD = "a time more than five minutes ahead"  # of the clock, here
CASES = [
    (name, time("2100-01-01T00:00:00Z") if name == AHEAD else value, BY_HTTP.get(name, (422, code)))
    for name, value, code in BAD
]
CASES += [(name, value, BY_HTTP.get(name, (200, ""))) for name, value in ODD]


@pytest.mark.parametrize(("name", "value", "expected"), CASES, ids=[name for name, *_ in CASES])
def test_a_body_is_answered_as_the_page_says(
    poster: httpx.Client, name: str, value: Any, expected: tuple[int, str]
) -> None:
    status, code = expected
    # Each its own transaction, but for the bodies that name none.
    body = (encoded(value) or b"").replace(b'"tx-1"', b'"%b"' % uuid.uuid4().hex.encode())
    answer = poster.post("/v1/score", content=body)
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code
        assert answer.headers["content-type"] == "application/problem+json"
        assert poster.get(answer.json()["type"]).status_code == 200


@pytest.mark.parametrize("name", OTHERS)
def test_a_body_of_another_kind_is_answered_as_the_page_says(poster: httpx.Client, name: str) -> None:
    status, code = BY_HTTP[name]
    how = OTHERS[name]
    if callable(how["content"]):
        answer = asyncio.run(_streamed(poster, how["content"]()))
    else:
        answer = poster.post("/v1/score", **how)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def _streamed(poster: httpx.Client, content: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=poster.base_url, headers=poster.headers, timeout=20) as client:
        return await client.post("/v1/score", content=content)


def test_every_line_of_the_page_is_tried() -> None:
    assert BY_HTTP.keys() <= {name for name, *_ in CASES} | OTHERS.keys()


FIELDS: list[dict[str, Any]] = [
    *({"transaction_id": text} for text in (CARD, "4111 1111 1111 1111", f"tx-{CARD}")),
    *({name: CARD} for name in ("customer_id", "terminal_id", "currency", "event_time", "unknown")),
    *({"attributes": found} for found in ({"a": CARD}, {CARD: "a"}, {"a": int(CARD)}, {"a": float(CARD)})),
    {"amount_minor": int(CARD)},
    {CARD: "a name"},
]


@pytest.mark.parametrize("fields", FIELDS, ids=[f"{next(iter(each))}-{n}" for n, each in enumerate(FIELDS)])
def test_a_card_number_is_refused_in_any_field_and_not_repeated(
    poster: httpx.Client, fields: dict[str, Any]
) -> None:
    body = encoded(transaction("tx-card") | fields) or b""
    for path in ("/v1/score", "/v1/transactions", "/v1/transactions:batch"):
        asked = b"[%b]" % body if path.endswith("batch") else body
        answer = poster.post(path, content=asked)
        found = answer.json()["results"][0] if path.endswith("batch") else answer.json()
        assert (found["status"], found["code"]) == (422, CARD_NUMBER), found
        assert "4111" not in words_of(answer)
    refused = poster.post("/v1/labels", content=encoded(label("tx-card") | {"label_id": CARD}) or b"")
    assert (refused.status_code, refused.json()["code"]) == (422, CARD_NUMBER)
