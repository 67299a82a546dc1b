"""Bad input, line by line: what it is called, and that it harms nobody else."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import alert_id_of
from models.transaction import time_of_ms
from streams.codecs import DETAIL_CHARACTERS, TransactionCodec, decode_labels
from tests.builders import BROKER_MS, NOON_MS, label, sweep_of, transaction

PAGE = Path(__file__).parents[3] / "docs" / "bad-input.md"
HEADINGS = ["what was sent"]
# What cannot be told from one record.
OF_A_TOPIC = {
    "the same record any number of times, in any order",
    "the same id with another body",
    "more than 1 MiB",
    "more than 1 % malformed among a partition's last 1,000 records, or 50 in a row",
}

CODEC = TransactionCodec("EUR", ahead_ms=300_000)
GOOD = msgspec.json.encode(transaction("good"))


def decode(*documents: Any) -> tuple[list[str], list[str]]:
    """Ids that were taken, and reasons of those that were not."""
    batch, dead = CODEC.decode(sweep_of(*documents))
    return batch.transaction_id, [letter.reason for letter in sorted(dead, key=lambda d: d.offset)]


def text(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new)


def time(value: str) -> dict[str, Any]:
    return transaction(event_time=value)


AHEAD = time_of_ms(BROKER_MS + 300_001).isoformat()
BAD: list[tuple[str, Any, str]] = [
    ("nothing", b"", "empty"),
    ("a tombstone", None, "empty"),
    ("not JSON", b"{oops", "not_json"),
    ("random bytes", b"\x00\xff\xfe", "not_json"),
    ("half a UTF-8 character", text(b'"c-1"', b'"\xc3"'), "not_json"),
    ("UTF-16", GOOD.decode().encode("utf-16"), "not_json"),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD, "not_json"),
    ("two documents", GOOD + GOOD, "not_json"),
    ("a list", b"[]", "wrong_type"),
    ("null", b"null", "wrong_type"),
    ("NaN", text(b"1999", b"NaN"), "not_json"),
    ("Infinity", text(b"1999", b"Infinity"), "not_json"),
    ("an amount as a fraction", text(b"1999", b"19.99"), "wrong_type"),
    ("an amount as a whole float", text(b"1999", b"1999.0"), "wrong_type"),
    ("an amount with an exponent", text(b"1999", b"1e3"), "wrong_type"),
    ("an amount as text", text(b"1999", b'"1999"'), "wrong_type"),
    ("a negative amount", text(b"1999", b"-5"), "invalid_value"),
    ("an amount beyond 10^12", text(b"1999", b"1000000000001"), "invalid_value"),
    ("an amount of 2^63", text(b"1999", b"9223372036854775808"), "invalid_value"),
    ("an amount of 5000 digits", text(b"1999", b"9" * 5000), "invalid_value"),
    ("a missing field", {"transaction_id": "x"}, "missing_field"),
    ("a renamed field", text(b'"transaction_id"', b'"id"'), "missing_field"),
    ("an empty id", transaction(""), "invalid_value"),
    ("an id of 65 characters", transaction("x" * 65), "invalid_value"),
    ("an id of 10 KB", transaction("x" * 10_240), "invalid_value"),
    ("a number as id", text(b'"good"', b"7"), "wrong_type"),
    ("NUL in an id", text(b"c-1", b"c\\u00001"), "unprintable_id"),
    ("a line feed in an id", text(b"c-1", b"c\\n1"), "unprintable_id"),
    ("a direction mark in an id", transaction(customer_id="c\u202e1"), "unprintable_id"),
    ("a card number as id", transaction(customer_id="4111111111111111"), "card_number"),
    ("a card number in an attribute", transaction(attributes={"a": "4111-1111 1111 1111"}), "card_number"),
    ("a card number as a number", transaction(attributes={"a": 378282246310005}), "card_number"),
    ("a card number in what is malformed", text(b"c-1", b"4111111111111111") + b"}", "card_number"),
    ("a lone surrogate", text(b"c-1", b"\\ud800"), "not_json"),
    ("depth of 100,000", GOOD[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
    ("a time without zone", time("2026-01-01T00:00:00"), "invalid_value"),
    ("a time as a number", text(b'"event_time":', b'"event_time":1,"x":'), "wrong_type"),
    ("a day that is none", time("2026-02-30T00:00:00Z"), "invalid_value"),
    ("a time before 1970", time("1969-12-31T23:59:59Z"), "event_time_before_1970"),
    ("the first year with an offset", time("0001-01-01T00:00:00+10:00"), "event_time_before_1970"),
    ("a time more than five minutes ahead", time(AHEAD), "event_time_ahead"),
    ("another currency", transaction(currency="USD"), "currency"),
    ("a currency in lower case", transaction(currency="eur"), "currency"),
    ("a currency of four letters", transaction(currency="EURO"), "invalid_value"),
    ("attributes as a list", transaction(attributes=[1]), "wrong_type"),
    ("nested attributes", transaction(attributes={"a": {"b": 1}}), "wrong_type"),
    ("a flag as attribute", transaction(attributes={"a": True}), "wrong_type"),
    ("33 attributes", transaction(attributes={str(n): n for n in range(33)}), "invalid_value"),
    ("an attribute of 257 characters", transaction(attributes={"a": "x" * 257}), "invalid_value"),
    ("an attribute of 900 KB", transaction(attributes={"a": "x" * 900_000}), "invalid_value"),
    ("NUL in an attribute", transaction(attributes={"a": "x\0"}), "attributes"),
    ("an attribute beyond 64 bits", transaction(attributes={"a": 2**63}), "attributes"),
    ("an unprintable attribute name", transaction(attributes={"a\tb": 1}), "attributes"),
    ("an attribute of 1e999", GOOD[:-1] + b',"attributes":{"a":1e999}}', "invalid_value"),
]


@pytest.mark.parametrize(("document", "reason"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_bad_input_has_a_reason_and_its_neighbours_are_untouched(document: Any, reason: str) -> None:
    assert decode(transaction("before"), document, transaction("after")) == (["before", "after"], [reason])


def test_a_letter_of_a_card_number_holds_nothing_of_it() -> None:
    """Neither where it is malformed besides, nor where its digits are written as escapes."""
    card = "4111111111111111"
    escaped = text(b"c-1", card.replace("1", "\\u0031", 1).encode())
    documents = (transaction(customer_id=card), text(b"c-1", card.encode()) + b"}", escaped)
    _, letters = TransactionCodec("EUR", 300_000).decode(sweep_of(*documents))
    assert len(letters) == 3
    assert [letter.value for letter in letters] == [None] * 3
    assert all(len(letter.key or b"") == 64 for letter in letters)
    assert all(card not in letter.detail for letter in letters)


@pytest.mark.parametrize(
    "document", [label("4111111111111111"), label("a") | {"comment": "paid with 4111 1111 1111 1111"}]
)
def test_a_label_with_a_card_number_is_set_aside_without_its_bytes(document: Any) -> None:
    _, (letter,) = decode_labels(sweep_of(document, topic="labels"), 300_000)
    assert (letter.reason, letter.value) == ("card_number", None)


ODD = [
    ("unknown fields", transaction(surprise={"deep": [1]})),
    ("a newer schema version", transaction(schema_version=2)),
    ("the last of duplicate keys", text(b'"amount_minor":1999', b'"amount_minor":5,"amount_minor":7')),
    ("an amount of nothing", transaction(amount_minor=0)),
    ("minus nothing", text(b"1999", b"-0")),
    ("right-to-left letters", transaction(customer_id="זהב")),
    ("an emoji", transaction(customer_id="💳")),
    ("quotes and backslashes", transaction(customer_id='"\\{},NULL')),
    ("an offset from UTC", time("2023-11-14T14:00:00+02:00")),
    ("exactly five minutes ahead", time(time_of_ms(BROKER_MS + 300_000).isoformat())),
    ("attributes", transaction(attributes={"channel": "web\nform", "risk": 0.5, "n": -(2**62)})),
    ("no attributes", transaction(attributes=None)),
    ("900 KB of spaces", GOOD[:-1] + b" " * 900_000 + b"}"),
]


@pytest.mark.parametrize("document", [odd[1] for odd in ODD], ids=[odd[0] for odd in ODD])
def test_odd_but_sound_input_is_taken(document: Any) -> None:
    taken, reasons = decode(document)
    assert (len(taken), reasons) == (1, [])


def test_the_page_on_bad_input_names_them_all_with_their_reasons() -> None:
    lines = [
        line.split(" | ")
        for line in PAGE.read_text().partition("## By HTTP")[0].splitlines()
        if line.startswith("| ")
    ]
    page = {line[0].removeprefix("| "): line[1].removesuffix(" |").strip("`") for line in lines}
    assert {name: page.get(name) for name, _, _ in BAD} == {name: reason for name, _, reason in BAD}
    assert {name for name, _ in ODD} <= page.keys()
    assert len(page) == len(BAD) + len(ODD) + len(OF_A_TOPIC) + len(HEADINGS)
    assert page.keys() >= OF_A_TOPIC


def test_event_time_is_kept_to_the_millisecond_in_utc() -> None:
    batch, _ = CODEC.decode(sweep_of(time("2023-11-14T14:00:00.123999+02:00")))
    assert time_of_ms(int(batch.event_time_ms[0])).isoformat() == "2023-11-14T12:00:00.123000+00:00"
    assert batch.event_time_ms[0] == NOON_MS + 123


@given(st.binary(max_size=200))
def test_no_bytes_raise(value: bytes) -> None:
    taken, reasons = decode(value, transaction("after"))
    assert taken[-1] == "after"
    assert len(taken) + len(reasons) == 2


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_no_field_of_any_type_raises(value: Any) -> None:
    for name in transaction():
        document = msgspec.json.encode(transaction() | {name: value})
        taken, reasons = decode(document)
        assert len(taken) + len(reasons) == 1


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "empty"),
        (label(label="maybe"), "invalid_value"),
        (label(source="rumour"), "invalid_value"),
        (label(version=-1), "invalid_value"),
        (label(version="1"), "wrong_type"),
        (label(transaction_id="a\0"), "unprintable_id"),
        (label(event_time="2026-01-01"), "invalid_value"),
        ({"label_id": "x"}, "missing_field"),
    ],
)
def test_bad_labels_have_a_reason(document: Any, reason: str) -> None:
    labels, dead = decode_labels(sweep_of(label("a"), document, label("b"), topic="labels"), CODEC.ahead_ms)
    assert [(each.label.transaction_id, each.place) for each in labels] == [("a", (0, 0)), ("b", (0, 2))]
    assert [letter.reason for letter in dead] == [reason]


def test_an_alert_id_follows_from_the_transaction_id() -> None:
    assert alert_id_of("tx-1") == alert_id_of("tx-1") == "19428de5-8ea4-5a0f-9750-1da72b6e8f30"
    assert alert_id_of("tx-2") != alert_id_of("tx-1")


def test_a_long_value_that_is_refused_is_not_quoted_in_full() -> None:
    _, dead = CODEC.decode(sweep_of(transaction(currency="E" * 10_000)))
    _, of_labels = decode_labels(sweep_of(label(source="x" * 10_000), topic="labels"), CODEC.ahead_ms)
    assert [len(letter.detail) <= DETAIL_CHARACTERS for letter in (*dead, *of_labels)] == [True, True]
