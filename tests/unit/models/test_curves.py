"""Curves of a bounded number of points: each is what the rows say, counted one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.costs import Costs
from models.curves import MOST_POINTS, precision_recall, reliabilities, review_costs, wilson
from models.policy import DECLINE, Band, Policy
from models.reliability import BINS

POLICY = Policy("two-bands", (Band(0, 0.3, 0.8), Band(10_000, 0.2, 0.6)))
labelled_rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda each: each / 20), st.integers(0, 50_000)),
    min_size=1,
    max_size=60,
)


def columns(rows: list[tuple[int, float, int]]) -> tuple[Any, Any, Any]:
    fraud, score, amount = (np.array(column) for column in zip(*rows, strict=True))
    return fraud.astype(np.int8), score.astype(np.float64), amount.astype(np.int64)


def many(size: int, seed: int = 1) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 20, size)
    return (rng.random(size) < score).astype(np.int8), score, rng.integers(0, 50_000, size)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Brown, Cai and DasGupta 2001, and the formula by hand.
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_the_interval_of_a_share_is_wilsons(hits: int, count: int, low: float, high: float) -> None:
    assert wilson(hits, count) == pytest.approx((low, high), abs=1e-4)


@given(labelled_rows)
def test_bins_hold_all_rows_in_equal_numbers(rows: list[tuple[int, float, int]]) -> None:
    fraud, score, _ = columns(rows)
    found = reliabilities(fraud, score)
    counts = [each.count for each in found.bins]
    assert sum(counts) == len(rows)
    assert len(counts) == min(BINS, len(rows))
    assert max(counts) - min(counts) <= 1
    assert sum(each.count * each.predicted for each in found.bins) == pytest.approx(score.sum())
    assert sum(each.count * each.observed for each in found.bins) == pytest.approx(fraud.sum())
    assert [each.predicted for each in found.bins] == sorted(each.predicted for each in found.bins)
    assert all(each.low <= each.observed <= each.high for each in [*found.bins, found.top])


def test_the_top_bin_holds_the_two_per_cent_with_the_highest_scores() -> None:
    fraud, score, _ = many(1000)
    top = reliabilities(fraud, score).top
    highest = np.argsort(score)[-20:]
    assert top.count == 20
    assert top.predicted == pytest.approx(score[highest].mean())
    assert top.observed == pytest.approx(fraud[highest].mean())


def test_scores_that_are_probabilities_lie_within_the_intervals() -> None:
    """Of 10 bins at 95 % one or two may miss."""
    fraud, score, _ = many(20_000)
    assert sum(each.low <= each.predicted <= each.high for each in reliabilities(fraud, score).bins) >= 8


def test_precision_and_recall_of_a_few_rows() -> None:
    fraud, score = np.array([1, 0, 1, 0, 1], np.int8), np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    found = [(each.threshold, each.precision, each.recall) for each in precision_recall(fraud, score)]
    assert found == [
        (0.9, 1.0, pytest.approx(1 / 3)),
        (0.7, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0.1, 0.6, 1.0),
    ]


@given(labelled_rows)
def test_every_point_is_what_its_threshold_flags(rows: list[tuple[int, float, int]]) -> None:
    fraud, score, _ = columns(rows)
    found = precision_recall(fraud, score)
    assert bool(found) == bool(fraud.sum())
    for point in found:
        flagged = score >= point.threshold
        assert point.precision == pytest.approx(fraud[flagged].mean())
        assert point.recall == pytest.approx(fraud[flagged].sum() / fraud.sum())
    assert not found or found[-1].recall == 1


@given(labelled_rows)
def test_every_cost_is_that_of_the_verdicts(rows: list[tuple[int, float, int]]) -> None:
    fraud, score, amount = columns(rows)
    found = review_costs(fraud, score, amount, POLICY, Costs())
    assert [each.threshold for each in found] == sorted({each.threshold for each in found})
    for point in found:
        verdict = np.where(POLICY.decide(score, amount) == DECLINE, DECLINE, score >= point.threshold)
        spent = Costs().spent_minor(verdict.astype(np.int8), fraud, amount)
        assert point.cost_per_thousand_minor == pytest.approx(spent * 1000 / len(rows))


def test_many_rows_give_few_points() -> None:
    fraud, score, amount = many(50_000)
    curve, prices = precision_recall(fraud, score), review_costs(fraud, score, amount, POLICY, Costs())
    assert 50 < len(curve) <= MOST_POINTS
    assert 50 < len(prices) <= MOST_POINTS
    # From nearly nobody to everybody.
    assert (prices[0].threshold, prices[-1].threshold) == (score.min(), score.max())
