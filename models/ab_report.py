"""What the variants of a split have done, over transactions whose labels are known, and whether they differ.

Intervals come from resampling customers, not transactions: what one customer does hangs together. Source:
Efron and Tibshirani 1993, An introduction to the bootstrap; Fabijan et al. 2019, Diagnosing sample ratio
mismatch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import Scores
from models.costs import Costs
from models.errors import BadFile
from models.policy import APPROVE, DECLINE, REVIEW
from models.ranking import Codes, Labels, auc_roc, average_precision

RESAMPLINGS = 500
LEVEL = 0.95
# Below that, customers were not dealt as the shares say; as customary for this check.
MISMATCH_P = 0.001


class Interval(msgspec.Struct, frozen=True):
    """A figure and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One variant. Amounts and costs are in minor units; rates are shares of its transactions."""

    name: str
    customers: int
    transactions: int
    frauds: int
    auc_roc: Interval | None
    average_precision: Interval | None
    approval_rate: Interval
    review_rate: Interval
    decline_rate: Interval
    fraud_caught_minor: int
    fraud_missed_minor: int
    cost_per_thousand_minor: Interval


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The second variant less the first. told_apart: the interval does not hold 0.

    The intervals of all differences together hold with 95 % confidence.
    """

    figure: str
    first: str
    second: str
    difference: Interval
    told_apart: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """sample_ratio_p: the chance of such shares of customers if they were dealt as the split says."""

    variants: list[Variant]
    differences: list[Difference]
    sample_ratio_p: float
    sample_ratio_ok: bool
    conclusion: str


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Labelled decisions of one variant, all of length n. customer: a number for each."""

    customer: Codes
    score: Scores
    verdict: NDArray[np.int8]
    amount_minor: Codes
    fraud: Labels


Figure = Callable[[Rows], float]


def report(
    of_each: dict[str, Rows],
    shares: dict[str, float],
    costs: Costs,
    *,
    seed: int,
    resamplings: int = RESAMPLINGS,
) -> Report:
    """shares: of customers, as the split says; variants without one are left out. resamplings: the more, the
    surer the ends of the intervals.

    Raises:
        BadFile: no variant has a labelled decision.
    """
    known = {name: rows for name, rows in of_each.items() if len(rows.fraud) and name in shares}
    if not known:
        raise BadFile(
            "no decision of the split in force has a label yet",
            next_step="wait until labels have come, or choose another range",
        )
    rng = np.random.default_rng(seed)
    figures = _figures(costs)
    drawn = {name: _resampled(rows, figures, rng, resamplings) for name, rows in known.items()}
    variants = [_variant(name, rows, drawn[name], costs) for name, rows in known.items()]
    differences = _differences(list(known), drawn)
    p = _sample_ratio_p({name: len(np.unique(rows.customer)) for name, rows in known.items()}, shares)
    return Report(
        variants=variants,
        differences=differences,
        sample_ratio_p=p,
        sample_ratio_ok=p >= MISMATCH_P,
        conclusion=_conclusion(differences, p),
    )


def _figures(costs: Costs) -> dict[str, Figure]:
    def spent(rows: Rows) -> float:
        return costs.spent_minor(rows.verdict, rows.fraud, rows.amount_minor) * 1000 / len(rows.fraud)

    return {
        "auc_roc": lambda rows: auc_roc(rows.fraud, rows.score),
        "average_precision": lambda rows: average_precision(rows.fraud, rows.score),
        "approval_rate": lambda rows: float((rows.verdict == APPROVE).mean()),
        "review_rate": lambda rows: float((rows.verdict == REVIEW).mean()),
        "decline_rate": lambda rows: float((rows.verdict == DECLINE).mean()),
        "cost_per_thousand_minor": spent,
    }


class Drawn(msgspec.Struct, frozen=True):
    """A figure as it is, and over the resamplings."""

    value: float
    over: list[float]

    def interval(self, figures: int = 1) -> Interval:
        """figures: how many are looked at together; each interval is wider for it (Bonferroni)."""
        tail = (1 - LEVEL) / 2 / figures
        low, high = np.quantile(self.over, [tail, 1 - tail])
        return Interval(self.value, float(low), float(high))


def _resampled(
    rows: Rows, figures: dict[str, Figure], rng: np.random.Generator, resamplings: int
) -> dict[str, Drawn]:
    """Figures of the rows, and of as many customers drawn from them again and again."""
    order = np.argsort(rows.customer, kind="stable")
    _, starts = np.unique(rows.customer[order], return_index=True)
    of_customer = np.split(order, starts[1:])
    over: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(resamplings):
        picked = rng.integers(0, len(of_customer), len(of_customer))
        some = _taken(rows, np.concatenate([of_customer[number] for number in picked]))
        for name, value in _measured(some, figures).items():
            over[name].append(value)
    return {name: Drawn(value, over[name]) for name, value in _measured(rows, figures).items() if over[name]}


def _measured(rows: Rows, figures: dict[str, Figure]) -> dict[str, float]:
    """Rankings want both kinds of transactions."""
    both = 0 < int(rows.fraud.sum()) < len(rows.fraud)
    ranking = ("auc_roc", "average_precision")
    return {name: figure(rows) for name, figure in figures.items() if both or name not in ranking}


def _taken(rows: Rows, which: Codes) -> Rows:
    return Rows(**{name: getattr(rows, name)[which] for name in Rows.__struct_fields__})


def _variant(name: str, rows: Rows, drawn: dict[str, Drawn], costs: Costs) -> Variant:
    fraud, flagged = rows.fraud == 1, rows.verdict != APPROVE
    intervals: dict[str, Any] = {figure: each.interval() for figure, each in drawn.items()}
    return Variant(
        name=name,
        customers=len(np.unique(rows.customer)),
        transactions=len(rows.fraud),
        frauds=int(fraud.sum()),
        fraud_caught_minor=int(rows.amount_minor[fraud & flagged].sum()),
        fraud_missed_minor=int(rows.amount_minor[fraud & ~flagged].sum()),
        **{"auc_roc": None, "average_precision": None, **intervals},
    )


def _differences(names: Sequence[str], drawn: dict[str, dict[str, Drawn]]) -> list[Difference]:
    """Of every other variant from the first."""
    found = []
    compared = sum(len(drawn[second].keys() & drawn[names[0]].keys()) for second in names[1:])
    for second in names[1:]:
        for figure, theirs in drawn[second].items():
            mine = drawn[names[0]].get(figure)
            if mine is None:
                continue
            pairs = min(len(mine.over), len(theirs.over))
            over = np.array(theirs.over[:pairs]) - np.array(mine.over[:pairs])
            interval = Drawn(theirs.value - mine.value, over.tolist()).interval(compared)
            apart = interval.low > 0 or interval.high < 0
            found.append(
                Difference(
                    figure=figure, first=names[0], second=second, difference=interval, told_apart=apart
                )
            )
    return found


def _sample_ratio_p(customers: dict[str, int], shares: dict[str, float]) -> float:
    from scipy.stats import chisquare

    wanted = np.array([shares[name] for name in customers])
    if len(customers) < 2 or not wanted.all():
        return 1.0
    observed = np.array(list(customers.values()))
    return float(chisquare(observed, wanted / wanted.sum() * observed.sum()).pvalue)


def _conclusion(differences: Sequence[Difference], p: float) -> str:
    if p < MISMATCH_P:
        return "customers were not dealt as the split says: find out why before anything else"
    apart = [each for each in differences if each.told_apart]
    if not apart:
        return "the data cannot tell the variants apart"
    return "; ".join(
        f"{each.second} differs from {each.first} in {each.figure} by {each.difference.value:+.4g}"
        for each in apart
    )
