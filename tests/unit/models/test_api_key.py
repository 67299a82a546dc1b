"""API keys: written in one way, checked before anything is looked up, and never told by what is kept."""

import hmac
from collections.abc import Callable
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from models.api_key import (
    BASE62,
    FORM,
    NOBODYS_DIGEST,
    Written,
    digest_of,
    make,
    parse,
    pepper_id,
    plain_name,
    same_digest,
)
from models.errors import BadSetting, Unauthenticated

PEPPER = b"a pepper of these tests"
seeds = st.integers(0, 2**32)


def bytes_of(seed: int) -> Callable[[int], bytes]:
    return Random(seed).randbytes


def test_a_key_looks_like_this() -> None:
    key = make("live", bytes_of(1))
    body, checksum = "fsk_live_L5ohdk6TSfx_qyiA0lGNJlkVY9K0brIvgYWrL9x8F4MpZmowaOpzcKA", "171kZ7"
    assert key.text == f"{body}_{checksum}"
    assert key.last_four == "1kZ7"
    assert sum(BASE62.index(sign) * 62**place for place, sign in enumerate(reversed(checksum))) == crc32(
        body.encode()
    )


@given(seeds, st.from_regex(r"[a-z0-9]{1,16}", fullmatch=True))
def test_what_is_made_is_read_back(seed: int, env: str) -> None:
    key = make(env, bytes_of(seed))
    assert parse(key.text) == key
    assert key.env == env


@pytest.mark.parametrize("fill", [b"\x00", b"\xff"], ids=["least", "most"])
def test_the_least_and_the_largest_numbers_have_the_same_width(fill: bytes) -> None:
    key = make("live", lambda count: fill * count)
    assert FORM.fullmatch(key.text)
    assert parse(key.text) == key


@given(seeds, st.integers(0, 200), st.sampled_from(BASE62))
def test_one_wrong_sign_is_noticed_without_looking_anything_up(seed: int, place: int, sign: str) -> None:
    text = make("live", bytes_of(seed)).text
    place %= len(text)
    wrong = text[:place] + sign + text[place + 1 :]
    assume(wrong != text)
    with pytest.raises(Unauthenticated):
        parse(wrong)


@given(st.text())
def test_what_was_never_a_key_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse(text)


GOOD = make("live", bytes_of(7)).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD[:-1],
        GOOD + "0",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("fsk", "fsq"),
        "fsk_" * 9,
    ],
)
def test_nearly_a_key_is_refused_in_the_same_words(text: str) -> None:
    with pytest.raises(Unauthenticated, match="this key does not open anything") as refused:
        parse(text)
    assert text == "" or text not in str(refused.value)


@pytest.mark.parametrize("env", ["", "Live", "li_ve", "a" * 17, "prod\n"])
def test_what_a_key_is_for_is_one_plain_word(env: str) -> None:
    with pytest.raises(BadSetting, match="cannot stand in a key"):
        make(env, bytes_of(1))


def test_what_is_shown_of_a_key_is_not_its_secret() -> None:
    key = make("live", bytes_of(3))
    for shown in (repr(key), str(key), f"{key}"):
        assert key.secret not in shown
        assert key.key_id in shown


@given(seeds, seeds)
def test_two_secrets_and_two_peppers_have_digests_of_their_own(one: int, other: int) -> None:
    first, second = make("live", bytes_of(one)), make("live", bytes_of(other))
    assert (digest_of(PEPPER, first.secret) == digest_of(PEPPER, second.secret)) is (first == second)
    assert digest_of(PEPPER, first.secret) != digest_of(PEPPER + b"!", first.secret)


def test_a_digest_is_an_hmac_of_the_secret_under_the_pepper() -> None:
    key = make("live", bytes_of(4))
    digest = digest_of(PEPPER, key.secret)
    assert digest == hmac.new(PEPPER, key.secret.encode(), "sha256").digest()
    assert key.secret.encode() not in digest


def test_a_text_that_no_encoding_takes_has_a_digest_too() -> None:
    """Somebody will present it."""
    assert digest_of(PEPPER, "\ud800") != digest_of(PEPPER, "\ud801")


def test_peppers_are_told_apart_without_being_told() -> None:
    assert pepper_id(PEPPER) == pepper_id(PEPPER)
    assert pepper_id(PEPPER) != pepper_id(PEPPER + b"!")
    assert len(pepper_id(PEPPER)) == 16


def test_a_digest_is_the_same_or_is_not() -> None:
    found = digest_of(PEPPER, "secret")
    assert same_digest(found, found)
    assert not same_digest(digest_of(PEPPER, "other"), found)


def test_an_unknown_id_is_never_right_not_even_with_nobodys_digest() -> None:
    assert not same_digest(None, NOBODYS_DIGEST)


def test_an_unknown_id_is_compared_as_a_known_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """In constant time, over as many bytes: how long it takes tells nobody which ids there are."""
    compared: list[tuple[int, int]] = []

    def watching(one: Any, other: Any) -> bool:
        compared.append((len(one), len(other)))
        return False

    monkeypatch.setattr(hmac, "compare_digest", watching)
    found = digest_of(PEPPER, "secret")
    for known in (None, digest_of(PEPPER, "other")):
        same_digest(known, found)
    assert compared == [(32, 32), (32, 32)]


def test_what_is_kept_of_a_key_holds_nothing_to_write_it_with() -> None:
    key = make("live", bytes_of(5))
    kept = key.kept(PEPPER)
    assert kept == (key.key_id, "live", digest_of(PEPPER, key.secret), pepper_id(PEPPER), key.text[-4:])
    assert key.secret not in repr(kept)


@pytest.mark.parametrize("name", ["shop", "Fraud desk 2", "ann@shop.example", "店", "a" * 64])
def test_a_name_is_what_a_table_can_show(name: str) -> None:
    assert plain_name("owner", name) == name


@pytest.mark.parametrize("name", ["", " shop", "ops/ann", "shop\n", "a\tb", "a\x1b[31m", "a" * 65])
def test_what_a_table_cannot_show_is_no_name(name: str) -> None:
    with pytest.raises(BadSetting, match="this owner cannot be shown"):
        plain_name("owner", name)


def test_a_written_key_has_its_parts() -> None:
    assert Written("live", "id", "secret").text.startswith("fsk_live_id_secret_")
