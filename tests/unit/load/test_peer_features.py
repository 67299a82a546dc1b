"""What a program per event computes is what the fold computes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from load.peers.event_job import features_of
from models.features import DAY_S
from models.fold import Entries, fold
from models.history import EVENT, MARK, Retention, Timeline, pack, unpack
from models.transaction import Transaction, time_of_ms

NOW_S = 1_522_540_800
ages = st.lists(st.integers(0, 45 * DAY_S), max_size=30)
amounts = st.integers(0, 10**9)


def history(ages_s: list[int], payload: int, kind: int) -> bytes:
    time_s = NOW_S - np.array(ages_s, np.int64)
    return pack(time_s, np.full(len(ages_s), payload, np.int64), kind).tobytes()


@given(ages, ages, ages, amounts, st.integers(0, 7 * DAY_S))
def test_features_one_by_one_are_those_of_the_fold(
    customer: list[int], terminal: list[int], frauds: list[int], amount_minor: int, later_s: int
) -> None:
    stored = (history(customer, 500, EVENT), history(terminal, 0, EVENT) + history(frauds, 1, MARK))
    now_s = NOW_S + later_s
    transaction = Transaction("t", "c", "m", amount_minor, "EUR", time_of_ms(now_s * 1000))
    entries = Entries(np.array([[0], [1]]), np.array([now_s]), np.array([amount_minor]))
    expected = fold(entries, Timeline.of(unpack(stored), 2), Retention())
    assert not expected.late.any()
    found = features_of(transaction, {"customer": stored[0], "terminal": stored[1]})
    np.testing.assert_array_equal(found, expected.features.astype(np.float32))


def test_features_of_nobody_known_are_those_of_the_transaction_alone() -> None:
    transaction = Transaction("t", "c", "m", 1999, "EUR", time_of_ms(NOW_S * 1000))
    found = features_of(transaction, {"customer": None, "terminal": None})
    assert found[0, :5].tolist() == [1999, 1, 1, 1, 1999]
