"""What the variants of a split have done, over transactions whose labels are known, and whether they differ.

Intervals come from resampling customers (models/bootstrap.py). Source: Fabijan et al. 2019, Diagnosing sample
ratio mismatch.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from models.boosters import Scores
from models.bootstrap import RESAMPLINGS, Drawn, Interval, Measure, Ranking, Weights, resampled
from models.costs import Costs
from models.errors import BadFile
from models.policy import APPROVE, DECLINE, REVIEW
from models.ranking import Codes, Labels

# Below that, customers were not dealt as the shares say; as customary for this check.
MISMATCH_P = 0.001
RANKINGS = ("auc_roc", "average_precision")
MEANS = ("approval_rate", "review_rate", "decline_rate", "cost_per_thousand_minor")
AMOUNTS = ("fraud_caught_minor", "fraud_missed_minor")
FIGURES = (*RANKINGS, *MEANS, *AMOUNTS)

Found = dict[str, dict[str, Drawn]]  # by variant and figure


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

    def where(self, chosen: NDArray[np.bool_]) -> "Rows":
        return Rows(**{name: getattr(self, name)[chosen] for name in self.__struct_fields__})


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
    known = with_labels(of_each, shares)
    return report_of(known, drawn(known, costs, seed, resamplings), shares)


def with_labels(of_each: dict[str, Rows], shares: dict[str, float]) -> dict[str, Rows]:
    """
    Raises:
        BadFile: no variant that has a share has a labelled decision.
    """
    known = {name: rows for name, rows in of_each.items() if len(rows.fraud) and name in shares}
    if not known:
        raise BadFile(
            "no decision of the split in force has a label yet",
            next_step="wait until labels have come, or choose another range",
        )
    return known


def drawn(of_each: dict[str, Rows], costs: Costs, seed: int, resamplings: int) -> Found:
    """By variant, its figures as they are and over the resamplings; those of AMOUNTS too."""
    rng = np.random.default_rng(seed)
    return {
        name: resampled(rows.customer, _measure(rows, costs), rng, resamplings)
        for name, rows in of_each.items()
    }


def report_of(of_each: dict[str, Rows], found: Found, shares: dict[str, float]) -> Report:
    """found: what `drawn` gives for these rows."""
    differences = _differences(list(of_each), found)
    p = _sample_ratio_p({name: len(np.unique(rows.customer)) for name, rows in of_each.items()}, shares)
    return Report(
        variants=[_variant(name, rows, found[name]) for name, rows in of_each.items()],
        differences=differences,
        sample_ratio_p=p,
        sample_ratio_ok=p >= MISMATCH_P,
        conclusion=_conclusion(differences, p),
    )


def _measure(rows: Rows, costs: Costs) -> Measure:
    ranking = Ranking(rows.fraud, rows.score)
    spent = costs.spent_on_each_minor(rows.verdict, rows.fraud, rows.amount_minor)
    fraud, flagged = rows.fraud == 1, rows.verdict != APPROVE
    amounts = np.stack([rows.amount_minor * (fraud & flagged), rows.amount_minor * (fraud & ~flagged)])
    rates = np.stack([rows.verdict == verdict for verdict in (APPROVE, REVIEW, DECLINE)])
    sums = np.concatenate([rates, 1000 * spent[None], amounts]).astype(np.float64)

    def measure(weights: Weights) -> dict[str, float]:
        figures = sums @ weights
        figures[: len(MEANS)] /= weights.sum()
        return dict(zip(FIGURES, (*ranking.measure(weights), *figures.tolist()), strict=True))

    return measure


def _variant(name: str, rows: Rows, found: dict[str, Drawn]) -> Variant:
    fraud, flagged = rows.fraud == 1, rows.verdict != APPROVE
    intervals: dict[str, Any] = {
        figure: each.interval() for figure, each in found.items() if figure not in AMOUNTS
    }
    return Variant(
        name=name,
        customers=len(np.unique(rows.customer)),
        transactions=len(rows.fraud),
        frauds=int(fraud.sum()),
        fraud_caught_minor=int(rows.amount_minor[fraud & flagged].sum()),
        fraud_missed_minor=int(rows.amount_minor[fraud & ~flagged].sum()),
        **{"auc_roc": None, "average_precision": None, **intervals},
    )


def _differences(names: Sequence[str], drawn: Found) -> list[Difference]:
    """Of every other variant from the first. Amounts are left out: they go by the variants' sizes."""
    found = []
    compared = sum(len((drawn[second].keys() & drawn[names[0]].keys()) - {*AMOUNTS}) for second in names[1:])
    for second in names[1:]:
        for figure, theirs in drawn[second].items():
            mine = None if figure in AMOUNTS else drawn[names[0]].get(figure)
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
    wanted = np.array([shares[name] for name in customers])
    if len(customers) < 2 or not wanted.all():
        return 1.0
    observed = np.array(list(customers.values()))
    expected = wanted / wanted.sum() * observed.sum()
    return float(chdtrc(len(observed) - 1, ((observed - expected) ** 2 / expected).sum()))


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
