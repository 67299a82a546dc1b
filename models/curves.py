"""What stands behind the figures of a model: scores beside what came, and what other thresholds would give.

All of a bounded number of points, however many rows. Source of the intervals: Wilson 1927, Probable
inference, the law of succession, and statistical inference.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import Scores
from models.costs import Costs
from models.policy import APPROVE, DECLINE, REVIEW, Policy
from models.ranking import Codes, Labels
from models.reliability import BINS, TOP_SHARE

MOST_POINTS = 100
NORMAL_95 = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations


class Bin(msgspec.Struct, frozen=True):
    """Rows of neighbouring scores. predicted: their mean score. observed: the share of frauds among them,
    which lies between low and high with 95 % confidence (Wilson).
    """

    predicted: float
    observed: float
    low: float
    high: float
    count: int


class Reliabilities(msgspec.Struct, frozen=True):
    """bins: of equal counts, lowest scores first. top: the 2 % of the rows with the highest scores, one at
    least.
    """

    bins: list[Bin]
    top: Bin


class PrecisionRecall(msgspec.Struct, frozen=True):
    """Of what has at least a score of `threshold`, the share of frauds; of the frauds, the share that has."""

    threshold: float
    precision: float
    recall: float


class ThresholdCost(msgspec.Struct, frozen=True):
    """What a thousand transactions cost if those from `threshold` on are reviewed."""

    threshold: float
    cost_per_thousand_minor: float


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Between what the share of hits lies with 95 % confidence. count: at least 1."""
    share, spread = hits / count, NORMAL_95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = np.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def reliabilities(fraud: Labels, score: Scores) -> Reliabilities:
    """Both (n,), n at least 1."""
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, min(BINS, len(order)))
    top = order[-max(1, int(TOP_SHARE * len(order))) :]
    return Reliabilities([_bin(fraud[part], score[part]) for part in parts], _bin(fraud[top], score[top]))


def _bin(fraud: Labels, score: Scores) -> Bin:
    frauds, count = int(fraud.sum()), len(fraud)
    return Bin(float(score.mean()), frauds / count, *wilson(frauds, count), count)


def precision_recall(fraud: Labels, score: Scores) -> list[PrecisionRecall]:
    """Both (n,). At scores of frauds, evenly by recall, from the highest on; none without any fraud."""
    ranked, known = np.sort(score)[::-1], np.sort(score[fraud == 1])[::-1]
    if not len(known):
        return []
    chosen = np.unique(np.linspace(0, len(known) - 1, min(MOST_POINTS, len(known))).round().astype(np.int64))
    found = []
    for threshold in dict.fromkeys(known[chosen].tolist()):
        flagged, caught = _at_least(ranked, threshold), _at_least(known, threshold)
        found.append(PrecisionRecall(threshold, caught / flagged, caught / len(known)))
    return found


def _at_least(falling: Scores, threshold: float) -> int:
    return int(np.searchsorted(-falling, -threshold, side="right"))


def review_costs(
    fraud: Labels, score: Scores, amount_minor: Codes, policy: Policy, costs: Costs
) -> list[ThresholdCost]:
    """All (n,). Thresholds are scores, more of them where they are high; lowest first.

    What the policy declines stays declined, whatever the threshold.
    """
    of_each = costs.expected_minor(fraud.astype(np.float64), amount_minor)
    declined = policy.decide(score, amount_minor) == DECLINE
    order = np.argsort(-score, kind="stable")
    approved = np.where(declined, of_each[DECLINE], of_each[APPROVE])[order]
    reviewed = np.where(declined, of_each[DECLINE], of_each[REVIEW])[order]
    # total[k]: where the k highest scores are reviewed.
    total = np.concatenate([[0.0], np.cumsum(reviewed)]) + approved.sum()
    total -= np.concatenate([[0.0], np.cumsum(approved)])
    ranked = score[order]
    thresholds = np.unique(ranked[_spread(len(ranked))])
    return [
        ThresholdCost(threshold, float(total[_at_least(ranked, threshold)] * 1000 / len(ranked)))
        for threshold in thresholds.tolist()
    ]


def _spread(count: int) -> NDArray[np.int64]:
    """At most MOST_POINTS of the places 0 to count - 1, in even steps of their logarithm."""
    return np.unique(np.geomspace(1, count, MOST_POINTS).round().astype(np.int64)) - 1
