"""How sure a figure is: the same figure over customers drawn again and again.

Customers are drawn, not transactions: what one customer does hangs together. Source: Efron and Tibshirani
1993, An introduction to the bootstrap. Rows keep their place; only how often each was drawn changes, so that
what was sorted once stays sorted.
"""

from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import Scores
from models.ranking import Codes, Labels

RESAMPLINGS = 500
LEVEL = 0.95

Weights = NDArray[np.float64]
Measure = Callable[[Weights], Mapping[str, float]]


class Interval(msgspec.Struct, frozen=True):
    """A figure and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class Drawn(msgspec.Struct, frozen=True):
    """A figure as it is, and over the resamplings."""

    value: float
    over: list[float]

    def interval(self, figures: int = 1) -> Interval:
        """figures: how many are looked at together; each interval is wider for it (Bonferroni)."""
        tail = (1 - LEVEL) / 2 / figures
        low, high = np.quantile(self.over, [tail, 1 - tail])
        return Interval(self.value, float(low), float(high))


def resampled(
    customer: Codes, measure: Measure, rng: np.random.Generator, resamplings: int = RESAMPLINGS
) -> dict[str, Drawn]:
    """Figures of the rows, and of as many customers drawn from them again and again.

    customer: a number for each row, (n,). measure: told how often each row was drawn, (n,), it answers
    figures by name; one that is not a number is left out, of all if the rows themselves have none.
    """
    _, number = np.unique(customer, return_inverse=True)
    customers = int(number.max()) + 1
    over: dict[str, list[float]] = {}
    for _ in range(resamplings):
        picked = rng.integers(0, customers, customers)
        weights = np.bincount(picked, minlength=customers).astype(np.float64)[number]
        for name, value in measure(weights).items():
            if not np.isnan(value):
                over.setdefault(name, []).append(value)
    as_they_are = measure(np.ones(len(number)))
    return {name: Drawn(value, over[name]) for name, value in as_they_are.items() if name in over}


class Ranking:
    """Rankings of rows by score, sorted once. fraud, score: (n,)."""

    def __init__(self, fraud: Labels, score: Scores) -> None:
        self._order = np.argsort(-score, kind="stable")
        self._fraud = (fraud[self._order] == 1).astype(np.float64)
        ranked = score[self._order]
        # Rows of one score are passed together: where each such group ends.
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def measure(self, weights: Weights) -> tuple[float, float]:
        """As `models.ranking.auc_roc` and `average_precision` of rows that stand there so often, (n,); nan
        where all are of one kind."""
        mine = weights[self._order]
        frauds = np.cumsum(mine * self._fraud)[self._ends]
        drawn = np.cumsum(mine)[self._ends]
        all_frauds, all_genuine = frauds[-1], drawn[-1] - frauds[-1]
        if not all_frauds or not all_genuine:
            return np.nan, np.nan
        found = np.diff(frauds, prepend=0.0)
        passed = np.diff(drawn, prepend=0.0) - found
        # A genuine row lies below all frauds passed by then, and beside those of its own score.
        auc_roc = (frauds @ passed - found @ passed / 2) / all_frauds / all_genuine
        return float(auc_roc), float(found @ _shares(frauds, drawn) / all_frauds)


def _shares(parts: Weights, wholes: Weights) -> Weights:
    return np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)
