"""What thresholds do to rows whose labels are known."""

import numpy as np
import pytest

from models.ab_report import Rows
from models.costs import Costs
from models.policy import APPROVE, DECLINE, REVIEW, flat_policy
from models.what_if import effect_of

COSTS = Costs(
    missed_share=1.0, missed_fee_minor=100, false_decline_minor=40, review_minor=10, review_catches=0.5
)
ROWS = Rows(
    customer=np.array([1, 1, 2, 3]),
    score=np.array([0.9, 0.5, 0.5, 0.1]),
    verdict=np.array([DECLINE, REVIEW, APPROVE, APPROVE], np.int8),
    amount_minor=np.array([1000, 2000, 3000, 4000]),
    fraud=np.array([0, 1, 0, 1], np.int8),
)


def test_the_effect_of_verdicts_is_counted_and_priced() -> None:
    found = effect_of(ROWS.verdict, ROWS, 2, COSTS)
    assert (found.reviews_per_day, found.declines_per_day) == (0.5, 0.5)
    assert (found.frauds_caught, found.frauds_missed) == (1, 1)
    assert (found.fraud_caught_minor, found.fraud_missed_minor) == (2000, 4000)
    # A false decline, a review that catches every other fraud, nothing, and a missed fraud.
    spent = 40 + (10 + 0.5 * 2100) + 0 + 4100
    assert found.cost_per_thousand_minor == pytest.approx(spent * 1000 / 4)


def test_other_thresholds_give_the_difference_of_what_both_do() -> None:
    before = effect_of(ROWS.verdict, ROWS, 2, COSTS)
    everything = flat_policy("all", 0.0, 1.0).decide(ROWS.score, ROWS.amount_minor)
    after = effect_of(everything, ROWS, 2, COSTS)
    found = after.less(before)
    assert (found.reviews_per_day, found.declines_per_day) == (1.5, -0.5)
    assert (found.frauds_caught, found.frauds_missed) == (1, -1)
    assert (found.fraud_caught_minor, found.fraud_missed_minor) == (4000, -4000)
    reviewed = 4 * 10 + 0.5 * (2100 + 4100)
    assert after.cost_per_thousand_minor == pytest.approx(reviewed * 1000 / 4)
    assert found.cost_per_thousand_minor == after.cost_per_thousand_minor - before.cost_per_thousand_minor
