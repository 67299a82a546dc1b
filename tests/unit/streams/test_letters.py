"""Dead letters read back: each place once, and nothing shown that was sent in confidence."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters import headers_of
from streams.letters import letter_of, letters, masked_payload
from tests.unit.streams.test_alerts import LETTER

SECRET = "s3cret-of-a-customer"


def message(offset: int = 7, value: bytes | None = b"{") -> Message:
    sent = replace(LETTER, offset=offset, value=value)
    return Message(key=sent.key, value=sent.value, headers=list(headers_of(sent).items()))


class Log:
    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, len(self._messages))}

    def read(
        self, topic: str, until: Mapping[int, int], starts: Mapping[int, int]
    ) -> Iterator[list[Message]]:
        yield self._messages[starts[0] : until[0]]


def test_a_letter_knows_where_it_came_from_and_why() -> None:
    found = letter_of(message(7, b"{"))
    assert found.place == (LETTER.topic_id, LETTER.partition, 7)
    assert (found.reason, found.detail) == (LETTER.reason, LETTER.detail)
    assert (found.timestamp_ms, found.key, found.value) == (LETTER.timestamp_ms, LETTER.key, b"{")


def test_a_letter_that_was_sent_twice_is_met_once() -> None:
    log: Any = Log(message(7), message(8), message(7))
    assert [found.offset for found in letters(log, "transactions.dlq")] == [7, 8]


def test_letters_of_the_same_bytes_have_the_same_digest() -> None:
    assert letter_of(message(7)).digest == letter_of(message(8)).digest
    assert letter_of(message(7)).digest != letter_of(message(7, b"[")).digest
    assert letter_of(message(7, None)).digest != letter_of(message(7, b"")).digest


def test_names_of_fields_stay_and_what_they_hold_does_not() -> None:
    value = msgspec.json.encode({"customer_id": SECRET, "amount_minor": 1999, "attributes": {"pin": "1234"}})
    assert masked_payload(value) == {
        "customer_id": "****er",
        "amount_minor": "<int>",
        "attributes": {"pin": "****"},
    }


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b'{"cut', b"[" * 5000])
def test_what_cannot_be_read_is_told_by_size_and_hash(value: bytes) -> None:
    found = masked_payload(value)
    assert set(found) == {"bytes", "sha256"}
    assert found["bytes"] == len(value)


def test_a_tombstone_has_no_payload() -> None:
    assert masked_payload(None) is None


nested = st.recursive(
    st.just(SECRET) | st.integers(10**9, 10**12) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)


@given(nested)
def test_nothing_that_was_sent_is_seen_however_deep_it_lies(document: Any) -> None:
    shown = msgspec.json.encode(masked_payload(msgspec.json.encode(document))).decode()
    assert SECRET[:-2] not in shown
    assert not any(len(digits) > 4 for digits in "".join(c if c.isdigit() else " " for c in shown).split())
