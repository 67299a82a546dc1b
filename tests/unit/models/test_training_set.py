"""Features of past transactions equal their definition and the plain fold, labels in time included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from models.features import DAY_S, ENTITIES, FEATURE_NAMES, FEATURES, LABEL_DELAY_S, Feature
from models.history import Retention
from models.training_set import STRETCH_S, PastTransactions, past_features
from tests.strategies import START_S, Arrival, arrivals
from tests.unit.models.plain_fold import features_one_by_one

RETENTION = Retention()


def past_of(world: list[Arrival], frauds: list[bool]) -> PastTransactions:
    columns = np.array([(a.customer, a.terminal, a.time_s, a.amount_minor) for a in world], np.int64)
    customer, terminal, time_s, amount_minor = columns.reshape(-1, 4).T
    return PastTransactions(
        customer, terminal, time_s, amount_minor, np.array(frauds[: len(world)], np.int64)
    )


def features_of(past: PastTransactions) -> NDArray[np.float64]:
    return np.concatenate([np.empty((0, len(FEATURES))), *past_features(past, RETENTION)])


def by_definition(past: PastTransactions, feature: Feature, row: int) -> float:
    """A window feature in the words of the book: everything is known, the label a delay later."""
    ids, summed = {
        "customer": (past.customer, past.amount_minor),
        "terminal": (past.terminal, past.fraud),
    }[feature.entity or ""]
    end = past.time_s[row] - feature.delay_s
    inside = (ids == ids[row]) & (past.time_s > end - feature.window_s) & (past.time_s <= end)
    if not feature.delay_s:
        inside[row + 1 :] = False  # of equal seconds those before it
    count = int(inside.sum())
    if feature.aggregate == "count":
        return count
    return int(summed[inside].sum()) / count if count else 0.0


def plainly_folded(past: PastTransactions) -> NDArray[np.float64]:
    """Every window of every row by the plain fold over the whole log, frauds known from the first day.

    No window of a terminal reaches a label that is not known yet.
    """
    found = np.full((len(past), len(FEATURES)), np.nan)
    nothing = (np.empty(0, np.int64),) * 3
    late = np.zeros(len(past), np.bool_)
    for entity, ids, added in zip(
        ENTITIES, (past.customer, past.terminal), (past.amount_minor, past.fraud), strict=True
    ):
        for one in np.unique(ids):
            rows = np.flatnonzero(ids == one)
            come = past.time_s[rows], added[rows], late[rows]
            for column, values in features_one_by_one(entity, nothing, come, RETENTION).items():
                found[rows, column] = values
    return found


windows = [column for column, feature in enumerate(FEATURES) if feature.entity]
frauds = st.lists(st.booleans(), min_size=40, max_size=40)


@given(arrivals(in_order=True), frauds)
def test_features_are_what_their_definition_says(world: list[Arrival], fraud: list[bool]) -> None:
    past = past_of(world, fraud)
    found = features_of(past)
    for row in range(len(past)):
        expected = [by_definition(past, FEATURES[column], row) for column in windows]
        assert found[row, windows].tolist() == expected
    assert found[:, 0].tolist() == past.amount_minor.tolist()


@given(arrivals(in_order=True), frauds)
def test_features_equal_the_plain_fold_over_the_whole_log(world: list[Arrival], fraud: list[bool]) -> None:
    past = past_of(world, fraud)
    assert_array_equal(features_of(past)[:, windows], plainly_folded(past)[:, windows])


def steady_log(days: int = 90, per_day: int = 8) -> PastTransactions:
    """Three months, so that histories are trimmed on the way."""
    rng = np.random.default_rng(5)
    count = days * per_day
    time_s = np.sort(rng.integers(START_S, START_S + days * DAY_S, count))
    customer, terminal = rng.integers(0, 4, count), rng.integers(0, 3, count)
    amount_minor, fraud = rng.integers(0, 30_000, count), rng.integers(0, 5, count) == 0
    return PastTransactions(customer, terminal, time_s, amount_minor, fraud.astype(np.int64))


def test_three_months_of_steady_traffic_equal_the_plain_fold() -> None:
    past = steady_log()
    found = features_of(past)
    assert_array_equal(found[:, windows], plainly_folded(past)[:, windows])
    assert found[:, FEATURE_NAMES.index("terminal_fraud_share_30d")].max() > 0.2


@pytest.mark.parametrize(("after_s", "share"), [(LABEL_DELAY_S - 1, 0), (LABEL_DELAY_S, 1)])
def test_a_label_is_known_exactly_a_delay_after_its_transaction(after_s: int, share: int) -> None:
    past = past_of([Arrival(0, 0, START_S, 5), Arrival(1, 0, START_S + after_s, 5)], [True, False])
    assert features_of(past)[1, FEATURE_NAMES.index("terminal_fraud_share_1d")] == share


def test_rows_come_in_order_in_stretches_shorter_than_the_label_delay() -> None:
    past = steady_log(days=30)
    stretches = [len(part) for part in past_features(past, RETENTION)]
    assert sum(stretches) == len(past)
    ends = np.cumsum(stretches)
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        assert past.time_s[last - 1] - past.time_s[first] < STRETCH_S


def test_a_customer_and_a_terminal_of_one_number_are_two_entities() -> None:
    past = past_of([Arrival(0, 1, START_S, 5), Arrival(1, 0, START_S + 8 * DAY_S, 7)], [True, False])
    assert features_of(past)[1, windows].tolist() == [1, 7, 1, 7, 1, 7, 0, 0, 0, 0, 0, 0]


def test_no_transactions_have_no_features() -> None:
    assert list(past_features(past_of([], []), RETENTION)) == []
