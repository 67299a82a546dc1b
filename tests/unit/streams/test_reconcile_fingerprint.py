"""Two streams of names are told apart exactly when they differ, however many buckets and passes it takes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.reconcile import fingerprint
from streams.reconcile.fingerprint import Difference, Fingerprint, differences

names = st.lists(st.sampled_from("abcdefgh") | st.text(max_size=3), max_size=30)


def told(seen: list[str], wanted: list[str]) -> list[Difference]:
    sides = (lambda: seen, lambda: wanted)
    return list(differences(Fingerprint(seen), Fingerprint(wanted), sides))


@pytest.mark.parametrize("buckets", [1, 4, 4096])
@pytest.mark.parametrize("most_held", [1, 5, 1000])
@given(seen=names, wanted=names)
def test_every_difference_is_told_once_and_nothing_else(
    seen: list[str], wanted: list[str], buckets: int, most_held: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "BUCKETS", buckets)
        patch.setattr(fingerprint, "MOST_HELD", most_held)
        had, should = Counter(seen), Counter(wanted)
        expected = {
            Difference(name, had[name], should[name])
            for name in had.keys() | should.keys()
            if had[name] != should[name]
        }
        found = told(seen, wanted)
        assert len(found) == len(expected)
        assert set(found) == expected


@given(names)
def test_order_does_not_matter(seen: list[str]) -> None:
    assert told(sorted(seen), seen) == []


def test_what_is_the_same_is_asked_for_once() -> None:
    def again() -> list[str]:
        raise AssertionError("asked again")

    seen, wanted = Fingerprint(["a", "b"]), Fingerprint(["b", "a"])
    assert list(differences(seen, wanted, (again, again))) == []


def test_a_name_in_place_of_another_is_seen_though_there_are_as_many() -> None:
    assert told(["a", "b"], ["a", "c"]) == [Difference("b", 1, 0), Difference("c", 0, 1)]
