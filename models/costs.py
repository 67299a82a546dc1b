"""What decisions cost, declared by whoever bears it, and the policy under which they cost least.

Amounts are in minor units of the currency. A missed fraud costs a share of its amount and a fee; declining a
genuine transaction and looking at one cost the same whatever the amount. Source: Elkan 2001, The foundations
of cost-sensitive learning: with calibrated probabilities the best decision follows from the costs alone.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from models.boosters import Scores
from models.errors import BadSetting
from models.policy import REVIEW, Band, Policy
from models.ranking import Codes, Labels

# Within a band the amount is off by an eighth at most from the one that its cuts are made for.
LOWEST_EDGE_MINOR = 100
GROWTH = 1.25
MOST_BANDS = 50
NEVER = 1.0
Share = Annotated[float, Meta(ge=0, le=1)]
Price = Annotated[float, Meta(ge=0)]


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A missed fraud costs `missed_share` of its amount and `missed_fee_minor`. Reviewers see
    `review_catches` of the frauds that they look at, and look at no more than `reviews_per_day`.

    Raises:
        BadSetting: missed frauds, or false declines, cost nothing.
    """

    missed_share: Share = 1.0
    missed_fee_minor: Price = 2000.0
    false_decline_minor: Price = 3000.0
    review_minor: Price = 500.0
    review_catches: Share = 0.95
    reviews_per_day: Price = 100.0

    def __post_init__(self) -> None:
        if not (self.missed_share or self.missed_fee_minor):
            raise BadSetting(
                "missed frauds cost nothing", next_step="declare a share of the amount, or a fee"
            )
        if not self.false_decline_minor:
            raise BadSetting(
                "declining what is genuine costs nothing",
                why="then everything would be declined",
                next_step="declare what a lost payment costs",
            )

    def missed_minor(self, amount_minor: Codes) -> NDArray[np.float64]:
        """What each transaction costs if it is a fraud and approved, (n,)."""
        return np.asarray(self.missed_share * amount_minor + self.missed_fee_minor, np.float64)

    def expected_minor(self, probability: Scores, amount_minor: Codes) -> NDArray[np.float64]:
        """What approving, reviewing and declining would cost on average, (3, n)."""
        missed = probability * self.missed_minor(amount_minor)
        return np.stack(
            [
                missed,
                self.review_minor + (1 - self.review_catches) * missed,
                (1 - probability) * self.false_decline_minor,
            ]
        )

    def spent_minor(self, verdict: NDArray[np.int8], fraud: Labels, amount_minor: Codes) -> float:
        """What the verdicts have cost, now that the labels are known."""
        return float(self.spent_on_each_minor(verdict, fraud, amount_minor).sum())

    def spent_on_each_minor(
        self, verdict: NDArray[np.int8], fraud: Labels, amount_minor: Codes
    ) -> NDArray[np.float64]:
        """As `spent_minor`, for each transaction, (n,)."""
        of_each = self.expected_minor(fraud.astype(np.float64), amount_minor)
        return of_each[verdict.astype(np.int64), np.arange(len(verdict))]


def fit_policy(version: str, costs: Costs, probability: Scores, amount_minor: Codes, days: int) -> Policy:
    """The policy of least expected cost that asks for no more reviews a day than there are reviewers for.

    probability, amount_minor: (n,), `days` days of transactions that the model was not fitted to. Where
    there would be more reviews, their price rises until they are few enough: the least useful ones go first.
    """
    within = costs.reviews_per_day * days
    surcharge = _least(
        lambda price: _reviews(version, costs, price, probability, amount_minor) <= within, costs
    )
    return _policy(version, costs, surcharge)


def _reviews(version: str, costs: Costs, surcharge: float, probability: Scores, amount_minor: Codes) -> int:
    verdict = _policy(version, costs, surcharge).decide(probability, amount_minor)
    return int((verdict == REVIEW).sum())


def _least(fits: Callable[[float], bool], costs: Costs) -> float:
    """The least price that fits, to a minor unit; at the highest nobody looks at anything."""
    if fits(0.0):
        return 0.0
    low, high = 0.0, costs.false_decline_minor + costs.review_minor
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high


def _policy(version: str, costs: Costs, surcharge: float) -> Policy:
    edges = [0, *(round(LOWEST_EDGE_MINOR * GROWTH**number) for number in range(MOST_BANDS - 1))]
    return Policy(version, _merged([_band(costs, surcharge, edge) for edge in edges]))


def _band(costs: Costs, surcharge: float, amount_minor: int) -> Band:
    """Where the straight lines of the three expected costs cross, at the middle of a band."""
    loss = costs.missed_share * amount_minor * (1 + GROWTH) / 2 + costs.missed_fee_minor
    look = costs.review_minor + surcharge
    uncaught = (1 - costs.review_catches) * loss
    approve_or_decline = costs.false_decline_minor / (costs.false_decline_minor + loss)
    # approve until p * loss > look + p * uncaught; decline from (1 - p) * false_decline < look + p * uncaught
    review_at = look / (loss - uncaught) if loss > uncaught else NEVER
    decline_at = (costs.false_decline_minor - look) / (costs.false_decline_minor + uncaught)
    if review_at >= decline_at:
        return Band(amount_minor, _digits(approve_or_decline), _digits(approve_or_decline))
    return Band(amount_minor, _digits(review_at), _digits(decline_at))


def _digits(threshold: float) -> float:
    return round(min(max(threshold, 0.0), 1.0), 6)


def _merged(bands: list[Band]) -> tuple[Band, ...]:
    """Without the bands that say what the one before says."""
    kept = bands[:1]
    for band in bands[1:]:
        if (band.review_at, band.decline_at) != (kept[-1].review_at, kept[-1].decline_at):
            kept.append(band)
    return tuple(kept)
