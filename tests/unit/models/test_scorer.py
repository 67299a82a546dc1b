"""A sweep scored: each customer by the model of their variant, and nothing but probabilities."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ab_test import ABConfig, ABTestRouter, Variant
from models.boosters import FAMILIES, Matrix, trees_of
from models.errors import ModelRejected
from models.features import FEATURES
from models.policy import DEFAULT_POLICY
from models.scorer import Model, Scorer
from tests.unit.models.trained import booster, rows

SPLIT = ABTestRouter(
    ABConfig(
        "ab-1",
        "salt",
        (Variant("champion", "One", "champion", 0.5), Variant("challenger", "Two", "challenger", 0.5)),
    )
)
CUSTOMERS = [f"c{n}" for n in range(12)]


def always(score: float) -> Any:
    return lambda features: np.full(len(features), score)


def by_amount(scale: float) -> Any:
    return lambda features: features[:, 0].astype(np.float64) * scale


def explain(features: Matrix) -> Any:
    """A column of ones for the first feature, and what all begin with."""
    added = np.zeros((len(features), len(FEATURES) + 1))
    added[:, 0], added[:, -1] = 1, -5
    return added


def scorer(champion: Any, challenger: Any) -> Scorer:
    models = [Model("One", "1", champion, explain), Model("Two", "2", challenger, explain)]
    return Scorer(SPLIT, models, DEFAULT_POLICY)


def amounts(count: int) -> Matrix:
    features = np.zeros((count, len(FEATURES)), np.float32)
    features[:, 0] = np.arange(count)
    return features


@given(st.lists(st.sampled_from(CUSTOMERS), max_size=40))
def test_each_row_is_scored_by_the_model_of_its_customer_and_keeps_its_place(customers: list[str]) -> None:
    scored = scorer(by_amount(0.001), by_amount(0.01)).score(customers, amounts(len(customers)))
    assert scored.variant.tolist() == [SPLIT.index(customer) for customer in customers]
    expected = [row * (0.001, 0.01)[SPLIT.index(customer)] for row, customer in enumerate(customers)]
    assert scored.score.tolist() == pytest.approx(expected)


def test_a_model_is_asked_once_per_sweep_and_for_its_own_rows_alone() -> None:
    asked: list[tuple[str, int]] = []

    def note(name: str) -> Any:
        def predict(features: Matrix) -> Any:
            assert features.flags.c_contiguous
            asked.append((name, len(features)))
            return np.zeros(len(features))

        return predict

    mine = sum(SPLIT.index(customer) == 0 for customer in CUSTOMERS)
    scorer(note("One"), note("Two")).score(CUSTOMERS, amounts(len(CUSTOMERS)))
    assert asked == [("One", mine), ("Two", len(CUSTOMERS) - mine)]


def test_a_variant_without_customers_in_the_sweep_is_not_asked() -> None:
    def never(features: Matrix) -> Any:
        raise AssertionError("asked for nobody")

    of_champion = [customer for customer in CUSTOMERS if SPLIT.index(customer) == 0]
    scored = scorer(always(0.25), never).score(of_champion, amounts(len(of_champion)))
    assert set(scored.score.tolist()) == {0.25}


def test_an_empty_sweep_has_no_scores() -> None:
    scored = scorer(always(0.5), always(0.5)).score([], amounts(0))
    assert (scored.score.tolist(), scored.variant.tolist()) == ([], [])


def test_zero_and_one_are_probabilities() -> None:
    scored = scorer(always(0.0), always(1.0)).score(CUSTOMERS, amounts(len(CUSTOMERS)))
    assert scored.score.tolist() == [float(SPLIT.index(customer)) for customer in CUSTOMERS]


@pytest.mark.parametrize("score", [np.nan, np.inf, -1e-9, 1.0000001])
def test_what_is_no_probability_stops_the_sweep(score: float) -> None:
    with pytest.raises(ModelRejected, match="not a probability"):
        scorer(always(0.5), always(score)).score(CUSTOMERS, amounts(len(CUSTOMERS)))


def test_a_transaction_has_the_same_score_alone_and_in_its_sweep() -> None:
    first, second = (trees_of(booster(family), family).probabilities for family in FAMILIES)
    real, features = scorer(first, second), rows().features[:100]
    customers = [f"c{n % 17}" for n in range(100)]
    together = real.score(customers, features)
    for row, customer in enumerate(customers):
        alone = real.score([customer], features[row : row + 1])
        assert (alone.score[0], alone.variant[0]) == (together.score[row], together.variant[row])


def test_every_variant_has_an_opinion_on_every_row_in_the_order_of_the_split() -> None:
    first, second = scorer(by_amount(0.001), by_amount(0.01)).opinions(amounts(3))
    assert (first.tolist(), second.tolist()) == (
        pytest.approx([0, 0.001, 0.002]),
        pytest.approx([0, 0.01, 0.02]),
    )


def test_an_opinion_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ModelRejected):
        scorer(always(0.5), always(1.5)).opinions(amounts(1))
