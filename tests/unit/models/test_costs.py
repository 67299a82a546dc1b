"""Costs: the fitted policy does, for every amount, what costs least on average."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.costs import LOWEST_EDGE_MINOR, Costs, fit_policy
from models.errors import BadSetting
from models.policy import APPROVE, DECLINE, REVIEW

DAYS = 7
NOBODY = Costs(reviews_per_day=0)
amounts = st.integers(0, 2_000_000)
probabilities = st.floats(0, 1)
costs = st.builds(
    Costs,
    missed_share=st.floats(0.1, 1),
    missed_fee_minor=st.floats(0, 5000),
    false_decline_minor=st.floats(100, 20_000),
    review_minor=st.floats(10, 5000),
    review_catches=st.floats(0, 1),
    reviews_per_day=st.just(1e9),
)


def traffic(seed: int = 1, rows: int = 20_000) -> tuple[Any, Any, Any]:
    """Calibrated probabilities, amounts, and labels drawn by them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.05, 1, rows)
    return probability, rng.integers(100, 100_000, rows), (rng.random(rows) < probability).astype(np.int8)


@given(costs, probabilities, amounts)
def test_no_other_verdict_is_much_cheaper(costs: Costs, probability: float, amount_minor: int) -> None:
    """Within a band the cuts are those of its middle, so what is lost is a share of what the choice is
    about."""
    score, amount = np.array([probability]), np.array([amount_minor], np.int64)
    policy = fit_policy("p", costs, score, amount, DAYS)
    verdict = int(policy.decide(score, amount)[0])
    expected = costs.expected_minor(score, amount)[:, 0]
    assert expected[verdict] <= expected.min() * 1.15 + LOWEST_EDGE_MINOR


def test_a_larger_amount_is_looked_at_sooner() -> None:
    probability, amount_minor, _ = traffic()
    bands = fit_policy("p", Costs(reviews_per_day=1e9), probability, amount_minor, DAYS).bands
    review_at = [band.review_at for band in bands]
    assert review_at == sorted(review_at, reverse=True)
    assert review_at[0] > 2 * review_at[-1]


@pytest.mark.parametrize("per_day", [0, 1, 20, 100])
def test_reviewers_are_not_asked_for_more_than_they_can_do(per_day: float) -> None:
    probability, amount_minor, _ = traffic()
    policy = fit_policy("p", Costs(reviews_per_day=per_day), probability, amount_minor, DAYS)
    assert (policy.decide(probability, amount_minor) == REVIEW).sum() <= per_day * DAYS


def test_a_scarce_reviewer_looks_where_it_helps_most() -> None:
    probability, amount_minor, _ = traffic()
    few = fit_policy("few", Costs(reviews_per_day=20), probability, amount_minor, DAYS)
    many = fit_policy("many", Costs(reviews_per_day=1e9), probability, amount_minor, DAYS)
    reviewed = [policy.decide(probability, amount_minor) == REVIEW for policy in (few, many)]
    approved, looked_at, declined = Costs().expected_minor(probability, amount_minor)
    gained = np.minimum(approved, declined) - looked_at
    assert 0 < reviewed[0].sum() < reviewed[1].sum()
    assert gained[reviewed[0]].mean() > gained[reviewed[1]].mean()


def test_the_fitted_policy_costs_less_than_any_one_cut() -> None:
    probability, amount_minor, fraud = traffic(seed=2)
    policy = fit_policy("p", NOBODY, *traffic()[:2], DAYS)
    spent = NOBODY.spent_minor(policy.decide(probability, amount_minor), fraud, amount_minor)
    for cut in np.linspace(0.02, 1, 50):
        verdict = np.where(probability >= cut, DECLINE, APPROVE).astype(np.int8)
        assert spent < NOBODY.spent_minor(verdict, fraud, amount_minor)


def test_what_was_spent_is_added_up_by_hand() -> None:
    costs = Costs(
        missed_share=0.5, missed_fee_minor=10, false_decline_minor=7, review_minor=3, review_catches=0.75
    )
    verdict = np.array([APPROVE, APPROVE, REVIEW, REVIEW, DECLINE, DECLINE], np.int8)
    fraud = np.array([0, 1, 0, 1, 0, 1], np.int8)
    assert costs.spent_minor(verdict, fraud, np.full(6, 100)) == 60 + 3 + (3 + 15) + 7


def test_declines_that_cost_nothing_are_refused() -> None:
    with pytest.raises(BadSetting, match="declining what is genuine costs nothing"):
        Costs(false_decline_minor=0)


def test_frauds_that_cost_nothing_are_refused() -> None:
    with pytest.raises(BadSetting, match="missed frauds cost nothing"):
        Costs(missed_share=0, missed_fee_minor=0)
