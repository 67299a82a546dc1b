"""Card numbers are found wherever they stand, and what only looks like one is let pass."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.card_number import NUMBER, as_text, holds_card_number, luhn, record_holds_card_number

# The networks' published numbers for tests.
CARDS = [
    "4111111111111111",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
    "30569309025904",
    "6200000000000005",
    "6759649826438453",
]


@pytest.mark.parametrize("card", CARDS)
def test_a_card_number_is_found_in_any_text(card: str) -> None:
    grouped = " ".join(card[at : at + 4] for at in range(0, len(card), 4))
    texts = (card, f"tx-{card}", f"card={card};", grouped, grouped.replace(" ", "-"), f'{{"a":"{card}"}}')
    assert all(map(holds_card_number, texts))
    assert as_text(float(4111111111111111)) == "4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit is wrong
        "9111111111111111",  # no network
        "41111111111111110000",  # too long
        "411111111111",  # too short
        "4111x1111111111111",
        "2026-11-27T12:00:00",
        "c-1|t-1|",
        "123e4567-e89b-12d3-a456-426614174000",
    ],
)
def test_what_is_no_card_number_passes(text: str) -> None:
    assert not holds_card_number(text)


@given(st.sampled_from(CARDS), st.integers(0, 12), st.integers(1, 9))
def test_one_changed_digit_is_no_card_number(card: str, at: int, by: int) -> None:
    changed = card[:at] + str((int(card[at]) + by) % 10) + card[at + 1 :]
    assert luhn(card)
    assert not luhn(changed)


@pytest.mark.parametrize("written", [str, lambda found: found.hex, lambda found: f"TX-{found}".upper()])
def test_a_uuid_is_none_though_its_digits_would_be(written: Callable[[UUID], str]) -> None:
    found = UUID("732bfa69-c01f-45e5-8675-247148759029")
    text = written(found)
    assert holds_card_number(text.lower().partition("e")[2])  # the digits from 5 to the end
    assert not holds_card_number(text)
    assert not holds_card_number(f"{text}|{text}")


@given(st.uuids(), st.sampled_from(CARDS))
def test_a_card_number_beside_a_uuid_is_found(found: UUID, card: str) -> None:
    assert not holds_card_number(str(found))
    assert holds_card_number(f"{found}|{card}")
    assert holds_card_number(f"{found}-{card}")


@given(st.text(max_size=40))
def test_no_text_without_thirteen_digits_holds_one(text: str) -> None:
    if sum(each.isascii() and each.isdigit() for each in text) < 13:
        assert not holds_card_number(text)


@given(st.text(alphabet="0123456789", min_size=13, max_size=19))
def test_a_run_of_digits_is_one_by_network_and_check_digit(digits: str) -> None:
    assert holds_card_number(digits) == bool(NUMBER.fullmatch(digits) and luhn(digits))


@given(st.sampled_from(CARDS), st.sampled_from(("plain", "spaced", "escaped", "number", "exponent", "name")))
def test_a_card_number_is_found_in_a_record_however_it_is_written(card: str, how: str) -> None:
    assume(how != "exponent" or len(card) <= 16)  # beyond, such a number is another one
    written = {
        "plain": f'{{"a":"{card}"}}',
        "spaced": f'{{"a":"{"-".join(card)}"}}',
        "escaped": '{"a":"' + "".join(f"\\u{ord(digit):04x}" for digit in card) + '"}',
        "number": f'{{"a":{card}}}',
        "exponent": f'{{"a":{card[0]}.{card[1:]}e{len(card) - 1}}}',
        "name": f'{{"{card}":1}}',
    }
    assert record_holds_card_number(written[how].encode())


@pytest.mark.parametrize(
    "raw", [None, b"", b"\xff", b'{"label_id":"l-1","event_time":"2024-01-01T00:00:00Z"}']
)
def test_a_record_without_one_passes(raw: bytes | None) -> None:
    assert not record_holds_card_number(raw)
