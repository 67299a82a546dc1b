"""How good the variants of a split are, by transactions whose labels are known: figures, and their curves."""

from collections.abc import Mapping

import msgspec

from models.ab_report import AMOUNTS, Difference, Rows, drawn, report_of, with_labels
from models.bootstrap import RESAMPLINGS, Interval
from models.costs import Costs
from models.curves import (
    PrecisionRecall,
    Reliabilities,
    ThresholdCost,
    precision_recall,
    reliabilities,
    review_costs,
)
from models.policy import Policy


class VariantQuality(msgspec.Struct, frozen=True, kw_only=True):
    """As `models.ab_report.Variant`, with an interval for the amounts too. Rankings are None where all
    transactions are of one kind. models: which versions decided, as NAME@VERSION. costs: what other review
    thresholds would cost, if what the policy in force declines is declined.
    """

    name: str
    models: list[str]
    customers: int
    transactions: int
    frauds: int
    auc_roc: Interval | None
    average_precision: Interval | None
    approval_rate: Interval
    review_rate: Interval
    decline_rate: Interval
    fraud_caught_minor: Interval
    fraud_missed_minor: Interval
    cost_per_thousand_minor: Interval
    calibration: Reliabilities
    precision_recall: list[PrecisionRecall]
    costs: list[ThresholdCost]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """As `models.ab_report.Report`."""

    variants: list[VariantQuality]
    differences: list[Difference]
    sample_ratio_p: float
    sample_ratio_ok: bool
    conclusion: str


def compared(
    of_each: dict[str, Rows],
    shares: dict[str, float],
    versions: Mapping[str, list[str]],
    policy: Policy,
    costs: Costs,
    *,
    seed: int,
    resamplings: int = RESAMPLINGS,
) -> Compared:
    """As `models.ab_report.report`. versions: by variant, which models decided.

    Raises:
        BadFile: no variant has a labelled decision.
    """
    known = with_labels(of_each, shares)
    figures = drawn(known, costs, seed, resamplings)
    reported = report_of(known, figures, shares)
    found = []
    for variant in reported.variants:
        rows = known[variant.name]
        amounts = {name: figures[variant.name][name].interval() for name in AMOUNTS}
        found.append(
            VariantQuality(
                **msgspec.structs.asdict(variant) | amounts,
                models=versions[variant.name],
                calibration=reliabilities(rows.fraud, rows.score),
                precision_recall=precision_recall(rows.fraud, rows.score),
                costs=review_costs(rows.fraud, rows.score, rows.amount_minor, policy, costs),
            )
        )
    return Compared(**msgspec.structs.asdict(reported) | {"variants": found})
