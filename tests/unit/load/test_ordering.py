"""Late and repeated records, within their bounds."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.ordering import shuffled, with_duplicates
from models.errors import BadSetting

keys_of_few = st.lists(st.sampled_from(["anna", "bert", "carl", "dora"]), max_size=60)
seeds = st.integers(0, 2**32)


def places(order: list[int]) -> dict[int, list[int]]:
    """Where each record is found."""
    found = defaultdict(list)
    for place, record in enumerate(order):
        found[record].append(place)
    return found


@given(keys_of_few, st.integers(0, 70), seeds)
def test_shuffling_moves_no_record_further_than_the_distance(
    keys: list[str], distance: int, seed: int
) -> None:
    order = shuffled(keys, distance, np.random.default_rng(seed)).tolist()
    assert sorted(order) == list(range(len(keys)))
    assert all(abs(place - record) <= distance for place, record in enumerate(order))


@given(keys_of_few, st.integers(0, 70), seeds)
def test_shuffling_keeps_each_customers_records_in_order(keys: list[str], distance: int, seed: int) -> None:
    order = shuffled(keys, distance, np.random.default_rng(seed)).tolist()
    for customer in set(keys):
        own = [record for record in order if keys[record] == customer]
        assert own == sorted(own)


@given(st.lists(st.integers(0, 9), max_size=40), seeds)
def test_customers_may_be_numbers_or_names(numbers: list[int], seed: int) -> None:
    by_number = shuffled(np.array(numbers, np.int32), 5, np.random.default_rng(seed))
    by_name = shuffled([str(number) for number in numbers], 5, np.random.default_rng(seed))
    assert sorted(by_number.tolist()) == sorted(by_name.tolist()) == list(range(len(numbers)))


def test_a_distance_of_zero_changes_nothing() -> None:
    assert shuffled(["a", "b", "a"], 0, np.random.default_rng(1)).tolist() == [0, 1, 2]


def test_many_customers_are_shuffled_thoroughly() -> None:
    order = shuffled(np.arange(10_000), 100, np.random.default_rng(1))
    moved = np.abs(order - np.arange(10_000))
    assert moved.mean() > 20
    assert moved.max() > 45


@given(st.permutations(range(25)), st.floats(0, 1), st.integers(1, 30), seeds)
def test_a_duplicate_follows_its_original_within_the_distance(
    order: list[int], share: float, distance: int, seed: int
) -> None:
    result = with_duplicates(np.array(order), share, distance, np.random.default_rng(seed)).tolist()
    assert list(dict.fromkeys(result)) == order
    for found in places(result).values():
        assert len(found) <= 2
        assert found[-1] - found[0] <= distance


@given(st.integers(0, 40), st.integers(1, 20), seeds)
def test_a_share_of_one_repeats_every_record(size: int, distance: int, seed: int) -> None:
    result = with_duplicates(np.arange(size), 1.0, distance, np.random.default_rng(seed)).tolist()
    assert sorted(result) == sorted([*range(size)] * 2)


def test_a_share_of_zero_repeats_nothing() -> None:
    assert with_duplicates(np.arange(5), 0.0, 3, np.random.default_rng(1)).tolist() == [0, 1, 2, 3, 4]


def test_about_the_stated_share_is_repeated() -> None:
    extra = len(with_duplicates(np.arange(100_000), 0.01, 200, np.random.default_rng(1))) - 100_000
    assert 1000 - 4 * 32 < extra < 1000 + 4 * 32  # four standard deviations of a binomial


@pytest.mark.parametrize(("share", "distance"), [(-0.1, 5), (1.1, 5), (float("nan"), 5), (0.5, 0)])
def test_what_cannot_be_is_refused(share: float, distance: int) -> None:
    with pytest.raises(BadSetting, match="Next: "):
        with_duplicates(np.arange(3), share, distance, np.random.default_rng(1))


def test_a_negative_distance_is_refused() -> None:
    with pytest.raises(BadSetting, match="distance is -1"):
        shuffled(["a"], -1, np.random.default_rng(1))
