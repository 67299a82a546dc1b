"""Metrics of rankings: small cases by hand, and laws that hold for any scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ranking import auc_roc, average_precision, card_precision, recall_at_false_positive_rate

FRAUD = np.array([0, 1, 0, 1, 0], np.int8)
SCORE = np.array([0.1, 0.9, 0.8, 0.4, 0.2])


def codes(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auc_roc(FRAUD, SCORE) == pytest.approx(5 / 6)


def test_average_precision_weighs_precision_by_the_steps_in_recall() -> None:
    assert average_precision(FRAUD, SCORE) == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(("rate", "recall"), [(0.0, 0.5), (0.34, 1.0), (0.33, 0.5), (1.0, 1.0)])
def test_recall_is_that_of_the_lowest_threshold_within_the_rate(rate: float, recall: float) -> None:
    assert recall_at_false_positive_rate(FRAUD, SCORE, rate) == recall


scored_labels = st.lists(st.tuples(st.booleans(), st.floats(-10, 10)), min_size=2)


@given(scored_labels.filter(lambda rows: len({fraud for fraud, _ in rows}) == 2))
def test_a_strictly_increasing_map_moves_no_ranking(rows: list[tuple[bool, float]]) -> None:
    fraud = np.array([fraud for fraud, _ in rows], np.int8)
    score = np.round(np.array([score for _, score in rows]), 3)
    mapped = 1 / (1 + np.exp(-0.7 * score - 1))
    for metric in (auc_roc, average_precision):
        assert metric(fraud, mapped) == pytest.approx(metric(fraud, score))


# Cards.


def test_a_card_counts_once_a_day_by_its_highest_score() -> None:
    fraud = np.array([0, 1, 1, 0], np.int8)
    score = np.array([0.9, 0.1, 0.2, 0.8])
    customer = codes(1, 1, 2, 3)
    assert card_precision(fraud, score, customer, codes(0, 0, 0, 0), top=2) == 0.5


def test_a_card_that_was_found_leaves_the_days_that_follow() -> None:
    fraud = np.array([1, 1, 1], np.int8)
    score = np.array([0.9, 0.9, 0.5])
    customer, day = codes(1, 1, 2), codes(0, 1, 1)
    assert card_precision(fraud, score, customer, day, top=1) == 1.0


def test_cards_of_one_score_rank_by_customer() -> None:
    fraud = np.array([1, 0, 0], np.int8)
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        rows = np.array(order)
        customer = codes(1, 2, 3)[rows]
        found = card_precision(fraud[rows], np.full(3, 0.5), customer, codes(0, 0, 0), top=1)
        assert found == 1.0


def test_days_without_a_hit_count_as_nothing() -> None:
    fraud = np.array([1, 0], np.int8)
    assert card_precision(fraud, np.array([0.5, 0.5]), codes(1, 2), codes(0, 1), top=1) == 0.5
