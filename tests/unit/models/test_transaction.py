"""What a transaction and a label are; what is refused of them is in tests/unit/streams/test_codecs.py."""

import unicodedata

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from models.label import fraud_mark
from models.transaction import EPOCH, UNPRINTABLE, decode_transaction, time_of_ms
from tests.builders import transaction


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_is_kept_to_the_millisecond(epoch_ms: int) -> None:
    moment = time_of_ms(epoch_ms)
    assert (moment - EPOCH) // EPOCH.resolution == epoch_ms * 1000


@given(st.none() | st.dictionaries(st.text(min_size=1, max_size=64), st.integers(-9, 9), max_size=3))
def test_a_transaction_that_was_written_is_read_back(attributes: dict[str, int] | None) -> None:
    first = decode_transaction(msgspec.json.encode(transaction(attributes=attributes)))
    assert first.attributes == attributes
    assert decode_transaction(msgspec.json.encode(first)) == first


def test_the_published_pattern_of_an_id_refuses_what_the_decoder_refuses_up_to_ffff() -> None:
    assigned = [
        letter for letter in map(chr, range(0x10000)) if unicodedata.category(letter) not in ("Cn", "Cs")
    ]
    accepted = pc.invert(pc.match_substring_regex(pa.array(assigned), UNPRINTABLE)).to_pylist()
    differ = [
        f"U+{ord(letter):04X}"
        for letter, matches in zip(assigned, accepted, strict=True)
        if matches != letter.isprintable()
    ]
    assert differ == []


def test_only_a_fraud_is_marked() -> None:
    marks = {verdict: fraud_mark(verdict) for verdict in ("fraud", "genuine", "unknown", None)}
    assert marks == {"fraud": 1, "genuine": 0, "unknown": 0, None: 0}
