"""Quantiles from counts are as near to the true ones as is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.latency import (
    BUCKETS,
    EDGES_S,
    LONGEST_S,
    OVER,
    SHORTEST_S,
    bucket_of,
    counts_of,
    no_counts,
    quantile_s,
)

seconds = st.one_of(
    st.floats(-1.0, 100.0), st.floats(0.0, 0.05), st.sampled_from(EDGES_S.tolist()), st.just(86_400.0)
)


def test_buckets_go_from_half_a_millisecond_to_a_minute_by_less_than_a_tenth() -> None:
    assert (EDGES_S[0], EDGES_S[-1], len(EDGES_S)) == (SHORTEST_S, LONGEST_S, BUCKETS - 1)
    assert 1.09 < (EDGES_S[1:] / EDGES_S[:-1]).min() <= (EDGES_S[1:] / EDGES_S[:-1]).max() < 1.1


@given(st.lists(seconds, max_size=50))
def test_many_at_once_are_counted_as_one_by_one(values: list[float]) -> None:
    one_by_one = no_counts()
    for value in values:
        one_by_one[bucket_of(value)] += 1
    assert counts_of(np.array(values)).tolist() == one_by_one.tolist()
    assert one_by_one.sum() == len(values)


@given(st.lists(seconds, min_size=1, max_size=200), st.integers(1, 100))
def test_a_quantile_is_off_by_less_than_a_tenth_or_half_a_millisecond(
    values: list[float], percent: int
) -> None:
    told = quantile_s(counts_of(values), percent)
    rank = -(-percent * len(values) // 100)
    true = sorted(values)[rank - 1]
    if true > LONGEST_S:
        assert told == LONGEST_S
    elif true <= SHORTEST_S:
        assert 0 < told < SHORTEST_S
    else:
        assert true / 1.1 < told < true * 1.1
        assert told < LONGEST_S


def test_quantiles_are_interpolated_and_in_order() -> None:
    values = np.linspace(0.001, 0.2, 10_000)
    told = [quantile_s(counts_of(values), percent) for percent in (50, 95, 99)]
    assert told == pytest.approx([np.percentile(values, percent) for percent in (50, 95, 99)], rel=0.01)


def test_hours_are_more_than_a_minute() -> None:
    counts = counts_of([3600.0, 7200.0])
    assert counts[OVER] == 2
    assert [quantile_s(counts, percent) for percent in (50, 99)] == [LONGEST_S, LONGEST_S]


def test_clocks_that_differ_count_as_nothing_waited() -> None:
    assert counts_of([-0.5])[0] == 1
    assert quantile_s(counts_of([-0.5]), 99) < SHORTEST_S
