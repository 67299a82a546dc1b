"""Whether features lie where they lay in training: the population stability index of each.

Source: Siddiqi 2006, Credit Risk Scorecards, for the index and its bands (below 0.1, below 0.25, above);
Yurdakul 2018, Statistical properties of the population stability index, for what chance alone gives: nearly
a chi-square of one less than the bins, times the sum of the two samples' inverse sizes.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from models.boosters import Matrix
from models.features import FEATURE_NAMES
from models.training_sample import QUANTILES, TrainingSample

Band = Literal["stable", "moderate", "significant"]
MODERATE_FROM, SIGNIFICANT_FROM = 0.1, 0.25
SMALLEST_SHARE = 0.005  # of the training rows in a bin; what is less goes to its neighbour
PRIOR_ROWS = 5.0  # dealt as in training, so that an empty bin has a logarithm
OUTSIDE_ROWS = 0.5  # of the training rows, for what lies below or above all of them
CHANCE = 0.05


class FeatureDrift(msgspec.Struct, frozen=True):
    """psi: population stability index. by_chance: what it exceeds once in twenty times where nothing has
    changed, with so few rows. Medians of the training rows and of those looked at.
    """

    feature: str
    psi: float
    band: Band
    by_chance: float
    median_then: float
    median_now: float


def drifts(features: Matrix, trained: TrainingSample) -> list[FeatureDrift]:
    """features: (n, len(FEATURES)), n at least 1. The greatest index first."""
    found = [
        _drift(name, features[:, column].astype(np.float64), trained)
        for column, name in enumerate(FEATURE_NAMES)
    ]
    return sorted(found, key=lambda each: -each.psi)


def band_of(psi: float) -> Band:
    if psi < MODERATE_FROM:
        return "stable"
    return "moderate" if psi < SIGNIFICANT_FROM else "significant"


def _drift(name: str, values: NDArray[np.float64], trained: TrainingSample) -> FeatureDrift:
    training = trained.distributions[name]
    cuts, expected = bins_of(training, trained.shares_up_to[name], trained.rows)
    counts = np.bincount(np.searchsorted(cuts, values, side="left"), minlength=len(expected))
    psi = index(expected, counts)
    then, now = training[QUANTILES.index(0.5)], float(np.median(values))
    return FeatureDrift(
        name, psi, band_of(psi), by_chance(len(expected) - 2, len(values), trained.rows), then, now
    )


def by_chance(bins: int, rows: int, training_rows: int) -> float:
    """What the index exceeds in a share CHANCE of all cases where nothing has changed."""
    quantile = float(chdtri(bins - 1, CHANCE)) if bins > 1 else 0.0
    return quantile * (1 / rows + 1 / training_rows)


def bins_of(
    values: Sequence[float], shares: Sequence[float], training_rows: int
) -> tuple[list[float], NDArray[np.float64]]:
    """Cuts (b - 1,), each the upper end of its bin, and the share of the training rows in each bin (b,).

    The first bin lies below all training rows, the last one above. values: ascending. shares: of the training
    rows that are at most so great.
    """
    cuts: list[float] = []
    reached = [0.0]
    for value, share in zip(values, shares, strict=True):
        if share - reached[-1] >= SMALLEST_SHARE and 1 - share >= SMALLEST_SHARE:
            cuts.append(value)
            reached.append(share)
    outside = OUTSIDE_ROWS / training_rows
    expected = np.array([outside, *np.diff([*reached, 1.0]), outside])
    return [float(np.nextafter(values[0], -np.inf)), *cuts, values[-1]], expected / expected.sum()


def index(expected: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """The population stability index. expected: shares that add up to 1, (b,). counts: (b,)."""
    observed = (counts + PRIOR_ROWS * expected) / (counts.sum() + PRIOR_ROWS)
    return float(((observed - expected) * np.log(observed / expected)).sum())
