"""The hash of a body tells the same from the other, as comparing the bodies does."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from models.archived import archived, hash_of
from models.decision import body_of
from models.transaction import comparable
from tests.builders import decided

names = st.text(min_size=1, max_size=3, alphabet="ab,\"'1 é")
values = st.one_of(
    st.text(max_size=3, alphabet="ab1"),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 0.0, -0.0, 1, 1.0, "1", "1.0", 1e23, 10**18]),
)
attributes: Any = st.none() | st.dictionaries(names, values, max_size=3)
bodies = st.tuples(names, names, st.integers(0, 3), st.integers(0, 3), attributes.map(comparable))


@given(bodies, bodies)
def test_two_bodies_have_one_hash_if_they_are_equal_and_only_then(one: Any, other: Any) -> None:
    assert (hash_of(one) == hash_of(other)) == (one == other)


@given(st.dictionaries(names, values, min_size=2, max_size=4))
def test_the_order_of_attributes_says_nothing(found: dict[str, Any]) -> None:
    other_way = dict(reversed(found.items()))
    one, other = (body_of(decided(attributes=each)) for each in (found, other_way))
    assert hash_of(one) == hash_of(other)


def test_what_stays_knows_its_body_and_its_month() -> None:
    row = decided()
    left = archived(row)
    assert left.fits(body_of(row))
    assert not left.fits(body_of(msgspec.structs.replace(row, amount_minor=2000)))
    assert f"{left.month:%Y-%m-%d}" == "2026-01-01"
