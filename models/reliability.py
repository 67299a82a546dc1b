"""Whether a score is a probability: what it foretells beside what came."""

import msgspec
import numpy as np

from models.boosters import Scores
from models.ranking import Labels

TOP_SHARE = 0.02
BINS = 10
SMALLEST = 1e-15


class Reliability(msgspec.Struct, frozen=True):
    """error_top: mean absolute difference, over `BINS` bins of equal mass among the `TOP_SHARE` of the rows
    that rank highest, between the mean score and the share of frauds. predicted_over_observed: the sum of
    the scores over the number of frauds. log_loss: in nats.
    """

    error_top: float
    predicted_over_observed: float
    log_loss: float


def reliability(fraud: Labels, probability: Scores, rank_by: Scores) -> Reliability:
    """Figures of `probability` (n,); the bins are cut along `rank_by` (n,), so that rivals share them."""
    top = np.argsort(-rank_by, kind="stable")[: max(BINS, int(TOP_SHARE * len(fraud)))]
    differences = [
        abs(float(probability[rows].mean()) - float(fraud[rows].mean())) * len(rows)
        for rows in np.array_split(top, BINS)
    ]
    return Reliability(
        error_top=sum(differences) / len(top),
        predicted_over_observed=float(probability.sum() / max(1, int(fraud.sum()))),
        log_loss=log_loss(fraud, probability),
    )


def log_loss(fraud: Labels, probability: Scores) -> float:
    """Mean negative log-likelihood, in nats; a certainty that was wrong counts as 1e-15."""
    likely = np.where(fraud == 1, probability, 1 - probability)
    return float(-np.log(np.maximum(likely, SMALLEST)).mean())
