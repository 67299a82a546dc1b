"""What other thresholds would have done to transactions whose labels are known."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.ab_report import Rows
from models.costs import Costs
from models.policy import APPROVE, DECLINE, REVIEW


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What verdicts do, or how two sets of them differ. Caught is a fraud that is reviewed or declined; the
    cost reckons with the share of them that reviewers see.
    """

    reviews_per_day: float
    declines_per_day: float
    frauds_caught: int
    frauds_missed: int
    fraud_caught_minor: int
    fraud_missed_minor: int
    cost_per_thousand_minor: float

    def less(self, other: "Effect") -> "Effect":
        return Effect(**{name: getattr(self, name) - getattr(other, name) for name in self.__struct_fields__})


def effect_of(verdict: NDArray[np.int8], rows: Rows, days: int, costs: Costs) -> Effect:
    """verdict: one per row, (n,), n at least 1. days: over which the rows lie."""
    fraud, flagged = rows.fraud == 1, verdict != APPROVE
    caught, missed = fraud & flagged, fraud & ~flagged
    return Effect(
        reviews_per_day=int((verdict == REVIEW).sum()) / days,
        declines_per_day=int((verdict == DECLINE).sum()) / days,
        frauds_caught=int(caught.sum()),
        frauds_missed=int(missed.sum()),
        fraud_caught_minor=int(rows.amount_minor[caught].sum()),
        fraud_missed_minor=int(rows.amount_minor[missed].sum()),
        cost_per_thousand_minor=costs.spent_minor(verdict, rows.fraud, rows.amount_minor) * 1000 / len(fraud),
    )
