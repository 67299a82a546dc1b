"""Bodies as callers send them: what is wrong is named, with its place, and nothing of it is repeated."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from starlette.requests import Request

from api.bodies import LARGEST_BYTES, AskedTransaction, SentLabel, body_in, check, decode, read
from api.problems import KINDS, Problem, problem_of
from models.errors import Malformed, NoTimeLeft
from models.transaction import ms_of_time
from tests.builders import transaction

GOOD = msgspec.json.encode(transaction("a"))
NOW_MS = 1_800_000_000_000


def refused(body: bytes) -> Problem:
    try:
        taken(body)
    except Problem as problem:
        return problem
    except Malformed as error:
        return problem_of(error)
    raise AssertionError("it was taken")


def taken(body: bytes) -> AskedTransaction:
    found = decode(body, AskedTransaction)
    check(found, "EUR", NOW_MS, 300_000)
    return found


def changed(**fields: Any) -> bytes:
    return msgspec.json.encode(transaction("a") | fields)


def put(name: str, raw: str) -> bytes:
    """The body with raw JSON in a field."""
    return GOOD.replace(f'"{name}":'.encode(), f'"{name}":{raw},"was":'.encode())


WRONG = [
    (b"", "empty", ""),
    (b"{", "not_json", ""),
    (b"[]", "wrong_type", ""),
    (b"null", "wrong_type", ""),
    (GOOD.decode().encode("utf-16"), "not_json", ""),
    (changed(transaction_id="x").replace(b'"x"', b'"\\ud800"'), "not_json", ""),
    (b"[" * 100_000, "wrong_type", ""),
    (changed(attributes="text"), "wrong_type", "/attributes"),
    (changed(attributes={"a": [1]}), "wrong_type", "/attributes"),
    (b'{"transaction_id":"a"}', "missing_field", ""),
    (changed(amuont_minor=1), "unknown_field", ""),
    (GOOD.replace(b"{", b'{"currency":"EUR",', 1), "duplicate_field", "/currency"),
    (put("amount_minor", "NaN"), "not_json", ""),
    (put("amount_minor", "Infinity"), "not_json", ""),
    (put("amount_minor", "1e999"), "invalid_value", "/amount_minor"),
    (put("amount_minor", "1e39"), "wrong_type", "/amount_minor"),
    (put("amount_minor", "-5"), "invalid_value", "/amount_minor"),
    (put("amount_minor", "1.5"), "wrong_type", "/amount_minor"),
    (put("amount_minor", str(2**63)), "invalid_value", "/amount_minor"),
    (put("amount_minor", "9" * 5000), "invalid_value", "/amount_minor"),
    (put("amount_minor", '"5"'), "wrong_type", "/amount_minor"),
    (put("amount_minor", "true"), "wrong_type", "/amount_minor"),
    (changed(transaction_id=""), "invalid_value", "/transaction_id"),
    (changed(transaction_id="x" * 10_000), "invalid_value", "/transaction_id"),
    (changed(transaction_id="a\0b"), "unprintable_id", ""),
    (changed(customer_id="a\u202eb"), "unprintable_id", ""),
    (changed(currency="SEK"), "currency", ""),
    (changed(currency="EURO"), "invalid_value", "/currency"),
    (changed(event_time="2027-01-16"), "invalid_value", "/event_time"),
    (changed(event_time="2023-11-14T12:00:00"), "invalid_value", "/event_time"),
    (changed(event_time="2027-01-16T00:00:00Z"), "event_time_ahead", ""),
    (changed(event_time="1969-12-31T23:59:59Z"), "event_time_before_1970", ""),
    (changed(attributes={"a": "x\0"}), "attributes", ""),
    (
        changed(attributes={"a": "1"}).replace(b'"a":"1"', b'"a":' + b"9" * 5000),
        "invalid_value",
        "/attributes",
    ),
    (changed(attributes={"a": 2**63}), "attributes", ""),
    (changed(attributes={"a": "4111-1111-1111-1111"}), "card_number", ""),
    (changed(attributes={f"a{n}": 1 for n in range(33)}), "invalid_value", "/attributes"),
]


@pytest.mark.parametrize(("body", "code", "field"), WRONG, ids=[f"{n}-{w[1]}" for n, w in enumerate(WRONG)])
def test_a_wrong_body_is_refused_by_a_code_and_a_place(body: bytes, code: str, field: str) -> None:
    problem = refused(body)
    assert (problem.code, problem.kind.status) == (code, 422)
    assert [error.field for error in problem.errors] == ([field] if field or problem.errors else [])


def test_a_good_body_passes() -> None:
    assert ms_of_time(taken(GOOD).event_time) == 1_699_963_200_000


@pytest.mark.parametrize("name", ["-0", "tx 😀", "x" * 64, "אבג"])
def test_unusual_ids_pass_as_they_are(name: str) -> None:
    assert decode(changed(transaction_id=name), AskedTransaction).transaction_id == name


def test_labels_are_as_strict() -> None:
    with pytest.raises(Problem) as caught:
        decode(b'{"label_id":"l","verdict":"fraud"}', SentLabel)
    assert caught.value.code in ("unknown_field", "missing_field")


def test_no_more_is_read_than_a_body_may_have() -> None:
    asked: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1000):
            asked.append(number)
            yield b"x" * 1024

    with pytest.raises(Problem, match="too_large"):
        asyncio.run(read(chunks(), None))
    assert len(asked) == LARGEST_BYTES // 1024 + 1


def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all() -> None:
    asked: list[int] = []

    async def chunks() -> AsyncIterator[bytes]:
        asked.append(1)
        yield b""

    with pytest.raises(Problem, match="too_large"):
        asyncio.run(read(chunks(), str(LARGEST_BYTES + 1)))
    assert asked == []


def test_every_problem_has_words() -> None:
    assert all(kind.title and kind.meaning and 400 <= kind.status < 600 for kind in KINDS.values())


def test_a_body_that_does_not_arrive_holds_nothing_for_long() -> None:
    async def nothing() -> Any:
        await asyncio.Event().wait()

    slow = Request({"type": "http", "method": "POST", "headers": []}, nothing)
    with pytest.raises(NoTimeLeft, match=r"did not arrive within 0\.01 s"):
        asyncio.run(body_in(slow, within_s=0.01))
