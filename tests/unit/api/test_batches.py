"""Batches: each item has its own outcome, and the whole is refused only where it is no batch."""

import asyncio
from typing import Any

import msgspec
import pytest

from api.batches import items_of, taken
from api.bodies import AskedTransaction, check
from api.problems import Problem
from api.route import JSON, NDJSON
from models.errors import KafkaUnavailable
from tests.builders import transaction


def outcomes(items: list[bytes], sent: list[str]) -> list[dict[str, Any]]:
    async def send(document: AskedTransaction) -> None:
        if document.transaction_id == "away":
            raise KafkaUnavailable("Kafka does not take records now")
        sent.append(document.transaction_id)

    return asyncio.run(taken(items, lambda each: check(each, "EUR", 1_800_000_000_000, 0), send))


def test_good_items_are_sent_and_bad_ones_named() -> None:
    documents = [transaction("a"), transaction("b", currency="SEK"), {"x": 1}, transaction("away")]
    sent: list[str] = []
    found = outcomes([*map(msgspec.json.encode, documents), b"{"], sent)
    assert sent == ["a"]
    assert [(each["index"], each["status"], each.get("code")) for each in found] == [
        (0, 202, None),
        (1, 422, "currency"),
        (2, 422, "unknown_field"),
        (3, 503, "unavailable"),
        (4, 422, "not_json"),
    ]


def test_an_array_and_lines_are_the_same_batch() -> None:
    one, two = (msgspec.json.encode(transaction(name)) for name in "ab")
    assert items_of(b"[" + one + b" , " + two + b"]", JSON) == [one, two]
    assert items_of(one + b"\n\n" + two + b"\n", NDJSON) == [one, two]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"[]", "empty"),
        (b"{}", "not_json"),
        (b"[1,", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[" + b"1," * 1000 + b"1]", "too_many_items"),
    ],
    ids=["nothing", "no items", "an object", "half an array", "very deep", "1,001 items"],
)
def test_what_is_no_batch_is_refused_as_a_whole(body: bytes, code: str) -> None:
    with pytest.raises(Problem, match=code):
        items_of(body, JSON)
