"""Calibration: from a booster's margin to a probability that means what it says.

The map is strictly increasing, so it changes no ranking. It is fitted to margins that the booster gives to
rows it was not fitted to: each training day in turn is left out, and scored by a booster of the other days.
Source: Platt 1999, Probabilistic outputs for support vector machines; Niculescu-Mizil and Caruana 2005.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from scipy.special import expit

from models.boosters import Matrix, Predict, Scores
from models.errors import BadFile
from models.ranking import Codes, Labels

Fit = Callable[[Matrix, Labels], Predict]


class Calibration(msgspec.Struct, frozen=True):
    """probability = 1 / (1 + exp(-(slope * margin + intercept)))"""

    slope: Annotated[float, Meta(gt=0)] = 1.0
    intercept: float = 0.0

    def probabilities(self, margins: Scores) -> Scores:
        """Probabilities (n,) in double precision: margins that differ stay apart, up to odds of 10^12 or
        so."""
        return np.asarray(expit(self.slope * margins + self.intercept), np.float64)


AS_IT_IS = Calibration()


def cross_fitted(features: Matrix, fraud: Labels, day: Codes, fit: Fit) -> Scores:
    """The margin of each row, (n,), by a model that was fitted to the rows of all other days.

    Raises:
        BadFile: a single day, or days without which the others are of one kind.
    """
    days = np.unique(day)
    if len(days) < 2:
        raise BadFile(
            "calibration wants at least two days to train on",
            why="each day is scored by a model of the others",
            next_step="choose a longer range",
        )
    margins = np.empty(len(fraud), np.float64)
    for each in days:
        left_out = day == each
        margins[left_out] = fit(features[~left_out], fraud[~left_out])(features[left_out])
    return margins


def fit_calibration(margins: Scores, fraud: Labels) -> Calibration:
    """The logistic curve that fits best. margins and fraud are (n,).

    Raises:
        BadFile: no frauds, nothing but frauds, or margins that do not rise with fraud.
    """
    from sklearn.linear_model import LogisticRegression

    if not 0 < int(fraud.sum()) < len(fraud):
        raise BadFile(
            "calibration wants transactions of both kinds",
            why=f"of {len(fraud):,} rows {int(fraud.sum()):,} are frauds",
            next_step="choose a longer range",
        )
    curve = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(margins[:, None], fraud)
    slope = float(curve.coef_[0, 0])
    if slope <= 0:
        raise BadFile(
            "the scores do not rise with fraud",
            why=f"the slope of their calibration is {slope:.3f}",
            next_step="look at the labels, or train on more days",
        )
    return Calibration(slope, float(curve.intercept_[0]))
