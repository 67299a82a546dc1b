"""Reasons: the strongest of them, in stable codes, with the customer's own normal."""

from typing import Any

import numpy as np
import pytest

from models.boosters import FAMILIES, Family, trees_of
from models.features import FEATURE_NAMES, FEATURES
from models.reasons import DICTIONARY, MOST_REASONS, STORIES, Reason, reasons_of
from tests.unit.models.trained import booster, rows

WIDTH = len(FEATURES)


def row(**values: float) -> Any:
    """One row of features, and zeros where nothing is said."""
    found = np.zeros((1, WIDTH), np.float32)
    for name, value in values.items():
        found[0, FEATURE_NAMES.index(name)] = value
    return found


def told(added: dict[str, float], **values: float) -> list[Reason]:
    contributions = row(**added).astype(np.float64)
    (found,) = reasons_of(row(**values), contributions, "EUR")
    return found


def test_every_feature_belongs_to_one_story() -> None:
    assert sorted(number for story in STORIES for number in story.features) == list(range(WIDTH))


def test_the_codes_are_those_of_the_dictionary() -> None:
    """A code keeps its meaning: whoever changes this list gives the dictionary another version."""
    assert (DICTIONARY, [story.code for story in STORIES]) == (
        "1",
        [
            "amount",
            "weekend",
            "night",
            "customer_pace",
            "customer_spending",
            "terminal_pace",
            "terminal_frauds",
        ],
    )


def test_the_strongest_come_first_and_what_speaks_against_fraud_is_left_out() -> None:
    added = {
        "amount_minor": 0.5,
        "is_night": 1.5,
        "terminal_fraud_share_1d": 0.7,
        "customer_tx_count_1d": 0.1,
        "is_weekend": -2.0,
    }
    assert [reason.code for reason in told(added)] == ["night", "terminal_frauds", "amount"]
    assert len(told(added)) == MOST_REASONS


def test_features_of_one_story_are_added_up_and_the_weightiest_speaks() -> None:
    added = {"customer_tx_count_1d": 0.3, "customer_tx_count_7d": 0.4, "customer_tx_count_30d": -0.1}
    (reason,) = told(added)
    assert reason.contribution == pytest.approx(0.6)
    assert reason.feature == "customer_tx_count_7d"


def test_nothing_that_raised_the_score_is_no_reason() -> None:
    assert told({"amount_minor": -1.0}) == []


def test_an_amount_is_held_against_the_customers_other_payments() -> None:
    """Four payments of 10.00 and this one of 300.00 have a mean of 68.00."""
    values = {"amount_minor": 30_000, "customer_tx_count_30d": 5, "customer_amount_mean_30d": 6_800}
    (reason,) = told({"amount_minor": 1.0}, **values)
    assert reason.usual == pytest.approx(1_000)
    assert reason.sentence == "The amount is 300.00 EUR; usual for this customer is 10.00 EUR."


def test_a_customer_without_other_payments_has_no_normal() -> None:
    (reason,) = told({"amount_minor": 1.0}, amount_minor=30_000, customer_tx_count_30d=1)
    assert (reason.usual, reason.sentence) == (None, "The amount is 300.00 EUR.")


@pytest.mark.parametrize(
    ("feature", "values", "sentence"),
    [
        ("is_night", {"is_night": 1}, "It was made at night."),
        ("is_weekend", {}, "It was made on a weekday."),
        (
            "customer_tx_count_1d",
            {"customer_tx_count_1d": 9, "customer_tx_count_30d": 31},
            "The customer paid 9 times within a day, where 1.0 would be usual.",
        ),
        (
            "customer_amount_mean_7d",
            {"customer_amount_mean_7d": 5_000},
            "The customer's payments within 7 days average 50.00 EUR.",
        ),
        (
            "terminal_tx_count_1d",
            {"terminal_tx_count_1d": 4},
            "The terminal took 4 payments within a day, up to a week ago.",
        ),
        (
            "terminal_fraud_share_30d",
            {"terminal_fraud_share_30d": 0.25},
            "Of the terminal's payments within 30 days, up to a week ago, 25% were frauds.",
        ),
    ],
)
def test_each_feature_has_its_sentence(feature: str, values: dict[str, float], sentence: str) -> None:
    (reason,) = told({feature: 1.0}, **values)
    assert reason.sentence == sentence


def test_money_has_the_decimals_of_its_currency() -> None:
    contributions = row(amount_minor=1.0).astype(np.float64)
    ((reason,),) = reasons_of(row(amount_minor=500), contributions, "JPY", decimals=0)
    assert reason.sentence == "The amount is 500 JPY."


@pytest.mark.parametrize("family", FAMILIES)
def test_contributions_add_up_to_the_margin(family: Family) -> None:
    trees, features = trees_of(booster(family), family), rows().features
    contributions = trees.contributions(features)
    assert contributions.shape == (len(features), WIDTH + 1)
    assert np.abs(contributions.sum(axis=1) - trees.margins(features)).max() < 1e-4


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_has_the_same_contributions_alone_and_among_others(family: Family) -> None:
    trees, features = trees_of(booster(family), family), rows().features[:20]
    together = trees.contributions(features)
    for number in range(20):
        alone = trees.contributions(features[number : number + 1])
        assert np.allclose(alone[0], together[number], rtol=0, atol=1e-6)
