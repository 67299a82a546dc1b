"""FEATURES: their names and order are a promise to every model."""

from dataclasses import replace
from itertools import permutations

import pytest

from models.features import (
    DAY_S,
    FEATURE_NAMES,
    FEATURES,
    LATE_AFTER_S,
    Feature,
    features_hash,
    reach_of,
    spans_of,
)

WEEK_S = 7 * DAY_S
MONTH_S = 30 * DAY_S


def test_the_features_are_these_in_this_order() -> None:
    assert FEATURE_NAMES == (
        "amount_minor",
        "is_weekend",
        "is_night",
        "customer_tx_count_1d",
        "customer_amount_mean_1d",
        "customer_tx_count_7d",
        "customer_amount_mean_7d",
        "customer_tx_count_30d",
        "customer_amount_mean_30d",
        "terminal_tx_count_1d",
        "terminal_fraud_share_1d",
        "terminal_tx_count_7d",
        "terminal_fraud_share_7d",
        "terminal_tx_count_30d",
        "terminal_fraud_share_30d",
    )


def test_a_customers_windows_end_at_the_transaction_and_a_terminals_a_week_before() -> None:
    for feature in FEATURES:
        delay_s = {None: 0, "customer": 0, "terminal": WEEK_S}[feature.entity]
        assert feature.delay_s == delay_s
        named_s = {"1d": DAY_S, "7d": WEEK_S, "30d": MONTH_S}.get(feature.name.rsplit("_", 1)[-1], 0)
        assert feature.window_s == named_s


def test_each_feature_has_a_unit_and_a_name_of_its_own() -> None:
    assert all(feature.unit for feature in FEATURES)
    assert len(set(FEATURE_NAMES)) == len(FEATURES)


def test_spans_and_reach_follow_from_the_table() -> None:
    assert spans_of("customer") == ((0, DAY_S), (0, WEEK_S), (0, MONTH_S))
    assert spans_of("terminal") == ((WEEK_S, DAY_S), (WEEK_S, WEEK_S), (WEEK_S, MONTH_S))
    assert (reach_of("customer"), reach_of("terminal"), LATE_AFTER_S) == (MONTH_S, 37 * DAY_S, 37 * DAY_S)


def test_a_new_feature_in_the_table_widens_what_a_history_must_answer() -> None:
    wider = (*FEATURES, Feature("customer_tx_count_90d", "transactions", "count", "customer", 90 * DAY_S))
    assert spans_of("customer", wider)[-1] == (0, 90 * DAY_S)
    assert reach_of("customer", wider) == 90 * DAY_S
    assert spans_of("terminal", wider) == spans_of("terminal")


def test_the_hash_is_the_same_in_every_process() -> None:
    assert features_hash() == "50e4f2275b35541a"


def test_the_hash_changes_with_the_order() -> None:
    three = FEATURES[:3]
    assert len({features_hash(order) for order in permutations(three)}) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"unit": "major units"},
        {"aggregate": "mean"},
        {"entity": "terminal"},
        {"window_s": 2 * DAY_S},
        {"delay_s": DAY_S},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_changes_with_the_meaning_of_any_feature(change: dict[str, str]) -> None:
    at = FEATURE_NAMES.index("customer_tx_count_1d")
    changed = (*FEATURES[:at], replace(FEATURES[at], **change), *FEATURES[at + 1 :])  # type: ignore[arg-type]
    assert features_hash(changed) != features_hash()


def test_the_hash_changes_when_a_feature_goes() -> None:
    assert features_hash(FEATURES[:-1]) != features_hash()
