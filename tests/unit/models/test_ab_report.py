"""The report of an A/B test: says what differs, and says plainly when nothing can be told."""

from typing import Any

import numpy as np
import pytest

from models.ab_report import Report, Rows, report
from models.costs import Costs
from models.errors import BadFile
from models.policy import APPROVE, DECLINE

SHARES = {"champion": 0.9, "challenger": 0.1}


def rows(customers: int, *, skill: float, seed: int, first: int = 0, base_rate: float = 0.05) -> Rows:
    """Six payments a customer; scores that tell frauds apart the better the more skill."""
    rng = np.random.default_rng(seed)
    size = 6 * customers
    fraud = (rng.random(size) < base_rate).astype(np.int8)
    score = 1 / (1 + np.exp(-(rng.normal(-2, 1, size) + skill * fraud)))
    return Rows(
        customer=np.repeat(np.arange(customers), 6) + first,
        score=score,
        verdict=np.where(score > 0.5, DECLINE, APPROVE).astype(np.int8),
        amount_minor=rng.integers(100, 50_000, size),
        fraud=fraud,
    )


def compared(champion: Rows, challenger: Rows, shares: dict[str, float] = SHARES) -> Report:
    both = {"champion": champion, "challenger": challenger}
    return report(both, shares, Costs(), seed=1, resamplings=100)


def told_apart(found: Report) -> set[str]:
    return {each.figure for each in found.differences if each.told_apart}


def test_two_models_alike_cannot_be_told_apart_and_it_says_so() -> None:
    found = compared(rows(900, skill=2, seed=1), rows(100, skill=2, seed=2, first=900))
    assert told_apart(found) <= {"review_rate"}
    assert found.conclusion == "the data cannot tell the variants apart"
    assert found.sample_ratio_ok


def test_a_better_model_is_told_apart_by_what_it_does_better() -> None:
    found = compared(
        rows(900, skill=1, seed=1),
        rows(300, skill=5, seed=2, first=900),
        {"champion": 0.75, "challenger": 0.25},
    )
    assert {"auc_roc", "average_precision", "cost_per_thousand_minor"} <= told_apart(found)
    assert "challenger differs from champion in auc_roc by +" in found.conclusion


def test_shares_that_are_not_those_of_the_split_come_before_everything_else() -> None:
    found = compared(rows(500, skill=1, seed=1), rows(500, skill=5, seed=2, first=500))
    assert not found.sample_ratio_ok
    assert found.conclusion.startswith("customers were not dealt as the split says")


def test_intervals_hold_the_figure_and_narrow_with_more_customers() -> None:
    few, many = (
        compared(rows(size * 9, skill=2, seed=1), rows(size, skill=2, seed=2, first=10_000))
        for size in (20, 400)
    )
    widths = []
    for found in (few, many):
        figure: Any = found.variants[0].auc_roc
        assert figure.low <= figure.value <= figure.high
        widths.append(figure.high - figure.low)
    assert widths[1] < widths[0] / 2


def test_what_was_caught_and_missed_adds_up_to_all_fraud() -> None:
    champion = rows(900, skill=2, seed=1)
    found = compared(champion, rows(100, skill=2, seed=2, first=900)).variants[0]
    assert (
        found.fraud_caught_minor + found.fraud_missed_minor
        == champion.amount_minor[champion.fraud == 1].sum()
    )
    rates = (found.approval_rate.value, found.review_rate.value, found.decline_rate.value)
    assert sum(rates) == pytest.approx(1)


def test_a_variant_that_saw_no_fraud_has_rates_but_no_ranking() -> None:
    found = compared(rows(900, skill=2, seed=1), rows(100, skill=2, seed=2, first=900, base_rate=0))
    assert found.variants[1].auc_roc is None
    assert found.variants[1].approval_rate.value > 0
    assert {each.figure for each in found.differences} & {"auc_roc", "average_precision"} == set()


def test_the_same_seed_reports_the_same() -> None:
    both = (rows(90, skill=2, seed=1), rows(10, skill=2, seed=2, first=90))
    assert compared(*both) == compared(*both)


def test_without_any_labelled_decision_there_is_nothing_to_report() -> None:
    with pytest.raises(BadFile, match="no decision of the split in force has a label yet"):
        report({"retired": rows(10, skill=1, seed=1)}, SHARES, Costs(), seed=1)
