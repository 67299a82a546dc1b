"""Where the features of a model's training rows lay: little enough to be kept with the model."""

from collections.abc import Mapping

import msgspec
import numpy as np

from models.boosters import Matrix
from models.features import FEATURE_NAMES

QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


class TrainingSample(msgspec.Struct, frozen=True):
    """rows: how many there were. distributions: for each feature its values at `QUANTILES`. shares_up_to: of
    the rows, how many lay at or below each of these values; more than the quantile where many are equal.

    Both are empty for models that were registered without them.
    """

    rows: int
    distributions: Mapping[str, list[float]]
    shares_up_to: Mapping[str, list[float]]

    @property
    def is_known(self) -> bool:
        return all(name in self.distributions and name in self.shares_up_to for name in FEATURE_NAMES)


def training_sample(features: Matrix) -> TrainingSample:
    """features: (n, len(FEATURES))."""
    if not len(features):
        return TrainingSample(0, {}, {})
    columns = np.sort(features.astype(np.float64), axis=0)
    at = np.quantile(columns, QUANTILES, axis=0)
    distributions, shares = {}, {}
    for column, name in enumerate(FEATURE_NAMES):
        distributions[name] = at[:, column].tolist()
        below = np.searchsorted(columns[:, column], at[:, column], side="right")
        shares[name] = (below / len(features)).tolist()
    return TrainingSample(len(features), distributions, shares)
