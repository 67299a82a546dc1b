"""Folds: no label is used before it is known, and known cards are no part of the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadFile, Misuse
from models.features import FEATURES
from models.folds import Fold, Labelled, folds

FIRST = 17_737  # 2018-07-25


def labelled(*rows: tuple[int, int, int], first: int = FIRST) -> Labelled:
    """Days after the first, customers, and whether it was a fraud; in the order of days."""
    days, customers, frauds = (np.array(column, np.int64) for column in zip(*sorted(rows), strict=True))
    return Labelled(
        features=np.zeros((len(rows), len(FEATURES)), np.float32),
        fraud=frauds.astype(np.int8),
        customer=customers,
        day=days + first,
        amount_minor=np.ones(len(rows), np.int64),
    )


def every_day(*frauds: tuple[int, int], days: int = 30, customers: int = 3) -> Labelled:
    """Each customer pays once a day; (day, customer) are frauds."""
    return labelled(
        *(
            (day, customer, int((day, customer) in frauds))
            for day in range(days)
            for customer in range(customers)
        )
    )


WEEK = Fold(FIRST, 7, 7, 7)


def after_training(data: Labelled) -> set[tuple[int, int]]:
    rows = WEEK.test_rows(data)
    return set(zip((data.day[rows] - FIRST).tolist(), data.customer[rows].tolist(), strict=True))


def test_a_fold_trains_waits_and_tests() -> None:
    data = every_day()
    assert set((data.day[WEEK.training_rows(data)] - FIRST).tolist()) == set(range(7))
    assert {day for day, _ in after_training(data)} == set(range(14, 21))


@pytest.mark.parametrize(
    ("fraud_on", "left_out"),
    [
        (0, range(14, 21)),
        (6, range(14, 21)),
        (7, range(15, 21)),
        (12, range(20, 21)),
        (13, range(0)),
        (-1, range(0)),
    ],
)
def test_a_card_leaves_the_test_a_day_after_its_fraud_has_become_known(
    fraud_on: int, left_out: range
) -> None:
    data = every_day((fraud_on, 1))
    assert {day for day in range(14, 21) if (day, 1) not in after_training(data)} == set(left_out)
    assert {customer for _, customer in after_training(data)} >= {0, 2}


@pytest.mark.parametrize(
    ("fraud_on", "kept"), [(-8, range(0)), (-14, range(1, 7)), (-15, range(7)), (0, range(7))]
)
def test_cards_that_were_known_while_it_trained_are_no_part_of_its_calibration(
    fraud_on: int, kept: range
) -> None:
    data = labelled(
        *(
            (day, customer, int((day, customer) == (fraud_on, 1)))
            for day in range(-20, 30)
            for customer in (0, 1)
        )
    )
    rows = WEEK.calibration_rows(data)
    mine = data.day[rows][data.customer[rows] == 1] - FIRST
    assert set(mine.tolist()) == set(kept)


def test_folds_start_one_step_later_each() -> None:
    assert [fold.first_day - FIRST for fold in folds(WEEK, 3, 5)] == [0, 5, 10]


@given(st.integers(0, 6))
def test_labels_that_are_not_known_by_then_are_refused(delay_days: int) -> None:
    with pytest.raises(Misuse, match=r"labels are not known after.*--delay-days 7"):
        Fold(FIRST, 7, delay_days, 7)


def test_a_day_without_transactions_to_train_on_is_named() -> None:
    with pytest.raises(
        BadFile, match=r"2018-07-30 has no transactions to train on.*2018-07-25 to 2018-07-29"
    ):
        WEEK.training_rows(every_day(days=5))


def test_a_day_without_transactions_to_test_on_is_named() -> None:
    with pytest.raises(BadFile, match=r"2018-08-10 has no transactions to test on.*2018-07-25 to 2018-08-09"):
        WEEK.test_rows(every_day(days=16))
