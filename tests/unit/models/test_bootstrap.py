"""Resampling by weights is resampling of rows, and a ranking of weighted rows that of rows that stand there
so often."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bootstrap import Ranking, resampled
from models.ranking import auc_roc, average_precision

# Few scores, so that many rows share one.
drawn_rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


def columns(rows: list[tuple[int, float, int]]) -> tuple[Any, Any, Any]:
    fraud, score, weight = (np.array(column) for column in zip(*rows, strict=True))
    return fraud.astype(np.int8), score, weight


@given(drawn_rows)
def test_a_ranking_of_weights_is_that_of_rows_that_often(rows: list[tuple[int, float, int]]) -> None:
    fraud, score, weight = columns(rows)
    ranking, weights = Ranking(fraud, score), weight.astype(np.float64)
    frauds, scores = np.repeat(fraud, weight), np.repeat(score, weight)
    if 0 < frauds.sum() < len(frauds):
        both = (auc_roc(frauds, scores), average_precision(frauds, scores))
        assert ranking.measure(weights) == pytest.approx(both)
    else:
        assert np.isnan(ranking.measure(weights)).all()


def test_customers_are_drawn_whole() -> None:
    """Each figure is that of as many customers as there are, each with all of its rows or none."""
    customer = np.array([7, 7, 7, 3, 5, 5])
    size = {7: 3, 3: 1, 5: 2}
    seen = []

    def look(weights: Any) -> dict[str, float]:
        seen.append(weights.copy())
        return {"rows": float(weights.sum())}

    found = resampled(customer, look, np.random.default_rng(1), 50)["rows"]
    assert found.value == 6
    for weights in seen:
        of_each = {name: set(weights[customer == name].tolist()) for name in size}
        assert all(len(times) == 1 for times in of_each.values())
        assert sum(times.pop() for times in of_each.values()) == 3
    assert found.over == [weights.sum() for weights in seen[:50]]


def test_the_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    """One row a customer: the textbook's standard error."""
    rng = np.random.default_rng(3)
    values = rng.normal(10, 2, 4000)

    def mean(weights: Any) -> dict[str, float]:
        return {"mean": float(weights @ values / weights.sum())}

    interval = resampled(np.arange(4000), mean, rng, 1000)["mean"].interval()
    half = 1.96 * values.std() / np.sqrt(4000)
    assert interval.high - interval.value == pytest.approx(half, rel=0.15)
    assert interval.value - interval.low == pytest.approx(half, rel=0.15)


def test_a_figure_that_never_is_one_is_left_out() -> None:
    def measure(weights: Any) -> dict[str, float]:
        return {"none": np.nan, "rows": float(weights.sum())}

    assert resampled(np.arange(3), measure, np.random.default_rng(1), 5).keys() == {"rows"}
