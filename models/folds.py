"""Days to learn from, a wait until their labels are known, and days to be judged by.

Source: Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, chapter 5
(prequential).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.boosters import Matrix
from models.errors import BadFile, Misuse
from models.features import DAY_S, LABEL_DELAY_S
from models.ranking import Codes, Labels

LABEL_DELAY_DAYS = LABEL_DELAY_S // DAY_S


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labelled transactions with their features, in event-time order. All of length n.

    features: float32 (n, len(FEATURES)). fraud: 0 or 1. customer: a number for each. day: UTC days since
    1970.
    """

    features: Matrix
    fraud: Labels
    customer: Codes
    day: Codes
    amount_minor: Codes

    def __len__(self) -> int:
        return len(self.fraud)

    def rows(self, first_day: int, days: int) -> Codes:
        """The rows of some days."""
        first, last = np.searchsorted(self.day, [first_day, first_day + days])
        return np.arange(first, last, dtype=np.int64)

    def frauds(self, first_day: int, days: int) -> set[int]:
        """Customers with a fraud on some days."""
        rows = self.rows(first_day, days)
        return set(self.customer[rows[self.fraud[rows] == 1]].tolist())


@dataclass(frozen=True, slots=True)
class Fold:
    """Train, wait, test: whole UTC days, the first of them numbered since 1970.

    Raises:
        Misuse: a length that is no day, or a wait in which labels do not become known.
    """

    first_day: int
    train_days: int
    delay_days: int
    test_days: int

    def __post_init__(self) -> None:
        if min(self.train_days, self.test_days) < 1:
            raise Misuse("a fold trains on a day at least, and is judged by a day at least")
        if self.delay_days < LABEL_DELAY_DAYS:
            raise Misuse(
                f"labels are not known after {self.delay_days} days",
                why=f"they take {LABEL_DELAY_DAYS}: what is learned from them would be a look ahead",
                next_step=f"give --delay-days {LABEL_DELAY_DAYS} or more",
            )

    @property
    def first_test_day(self) -> int:
        return self.first_day + self.train_days + self.delay_days

    def training_rows(self, data: Labelled) -> Codes:
        """The rows to learn from.

        Raises:
            BadFile: there are none on one of the days.
        """
        return _every_day(data, self.first_day, self.train_days, "train on")

    def test_rows(self, data: Labelled) -> Codes:
        """The rows to be judged by, without those of cards that are known to be compromised by then.

        Known on a day: a fraud in the training days, or on a later day before the delay.

        Raises:
            BadFile: there are none on one of the days.
        """
        _every_day(data, self.first_test_day, self.test_days, "test on")
        known_from = self.first_day
        kept = [
            _without(data, day, data.frauds(known_from, day - self.delay_days - known_from))
            for day in range(self.first_test_day, self.first_test_day + self.test_days)
        ]
        return np.concatenate(kept)

    def calibration_rows(self, data: Labelled) -> Codes:
        """The rows of the training days whose cards were not known by then: what a test's rows are like."""
        kept = []
        for day in range(self.first_day, self.first_day + self.train_days):
            known_until = day - self.delay_days
            known_from = known_until - self.train_days
            kept.append(_without(data, day, data.frauds(known_from, self.train_days)))
        return np.concatenate(kept)


def folds(first: Fold, count: int, step_days: int) -> Iterator[Fold]:
    """The first fold, and those that start one step later each."""
    for number in range(count):
        start = first.first_day + number * step_days
        yield Fold(start, first.train_days, first.delay_days, first.test_days)


def _every_day(data: Labelled, first_day: int, days: int, what_for: str) -> Codes:
    rows = data.rows(first_day, days)
    found = np.unique(data.day[rows])
    if len(found) < days:
        missing = sorted(set(range(first_day, first_day + days)) - set(found.tolist()))
        raise BadFile(
            f"{np.datetime64(missing[0], 'D')} has no transactions to {what_for}",
            why=f"the transactions are those of {_span(data)}",
            next_step="choose days that the file has",
        )
    return rows


def _span(data: Labelled) -> str:
    if not len(data):
        return "no day"
    return f"{np.datetime64(int(data.day[0]), 'D')} to {np.datetime64(int(data.day[-1]), 'D')}"


def _without(data: Labelled, day: int, customers: set[int]) -> Codes:
    rows = data.rows(day, 1)
    return rows[~np.isin(data.customer[rows], list(customers))]
