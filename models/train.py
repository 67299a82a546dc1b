"""Training: labelled feature rows in, a native booster out, and the calibration of its scores."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.boosters import Family, Matrix, Predict, Scores, Trees, trees_of
from models.calibration import Calibration, cross_fitted, fit_calibration
from models.errors import BadFile
from models.features import FEATURE_NAMES
from models.folds import Fold, Labelled
from models.ranking import Codes, Labels
from models.recipes import Recipe, recipe_of


@dataclass(frozen=True, slots=True)
class Learned:
    """A booster of a fold's training days, and what is known of its scores from days it did not see.

    rows: the training rows. held_out: of these, the rows whose cards were not known, with their calibrated
    probabilities by boosters of the other days.
    """

    booster: Any
    trees: Trees
    calibration: Calibration
    rows: Codes
    held_out: Codes
    held_out_probability: Scores

    def probabilities(self, features: Matrix) -> Scores:
        return self.calibration.probabilities(self.trees.margins(features))


def learn(data: Labelled, fold: Fold, recipe: Recipe, *, seed: int) -> Learned:
    """Fit a fold's training days and calibrate the scores, from labels of these days and before alone.

    Raises:
        BadFile: there is nothing to learn from.
    """
    rows = fold.training_rows(data)
    features, fraud = data.features[rows], data.fraud[rows]
    margins = cross_fitted(features, fraud, data.day[rows], partial(_margins, recipe=recipe, seed=seed))
    held_out = fold.calibration_rows(data)
    place = np.searchsorted(rows, held_out)
    calibration = fit_calibration(margins[place], data.fraud[held_out])
    booster = fit(recipe.family, features, fraud, seed=seed, recipe=recipe)
    return Learned(
        booster,
        trees_of(booster, recipe.family),
        calibration,
        rows,
        held_out,
        calibration.probabilities(margins[place]),
    )


def _margins(features: Matrix, fraud: Labels, *, recipe: Recipe, seed: int) -> Predict:
    return trees_of(fit(recipe.family, features, fraud, seed=seed, recipe=recipe), recipe.family).margins


def fit(
    family: Family, features: Matrix, fraud: NDArray[np.int8], *, seed: int, recipe: Recipe | None = None
) -> Any:
    """Fit a booster to float32 features (n, len(FEATURES)) and labels 0 or 1 (n,).

    Raises:
        BadFile: there are no rows, or all have one label.
    """
    check_both_kinds(fraud)
    fitters = {"xgboost": _fit_xgboost, "lightgbm": _fit_lightgbm}
    return fitters[family](features, fraud, recipe or recipe_of(family), seed)


def check_both_kinds(fraud: Labels) -> None:
    """Labels 0 or 1 that something can be learned from.

    Raises:
        BadFile: there are none, or all are the same.
    """
    frauds = int(fraud.sum())
    if not 0 < frauds < len(fraud):
        raise BadFile(
            "training wants transactions of both kinds",
            why=f"of {len(fraud):,} in this range {frauds:,} are frauds",
            next_step="choose another range of days",
        )


def _fit_xgboost(features: Matrix, fraud: NDArray[np.int8], recipe: Recipe, seed: int) -> Any:
    import xgboost

    table = xgboost.DMatrix(features, fraud, feature_names=list(FEATURE_NAMES))
    return xgboost.train({**recipe.parameters, "seed": seed}, table, recipe.trees)


def _fit_lightgbm(features: Matrix, fraud: NDArray[np.int8], recipe: Recipe, seed: int) -> Any:
    import lightgbm

    table = lightgbm.Dataset(features, fraud, feature_name=list(FEATURE_NAMES))
    return lightgbm.train({**recipe.parameters, "seed": seed}, table, recipe.trees)
