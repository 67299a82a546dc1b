"""Training: labelled feature rows in, a native booster out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.boosters import Family, Matrix
from models.errors import BadFile
from models.features import FEATURE_NAMES
from models.recipes import DEFAULT_RECIPES, Recipe


def fit(
    family: Family, features: Matrix, fraud: NDArray[np.int8], *, seed: int, recipe: Recipe | None = None
) -> Any:
    """Fit a booster to float32 features (n, len(FEATURES)) and labels 0 or 1 (n,).

    Raises:
        BadFile: there are no rows, or all have one label.
    """
    frauds = int(fraud.sum())
    if not 0 < frauds < len(fraud):
        raise BadFile(
            "training wants transactions of both kinds",
            why=f"of {len(fraud):,} in this range {frauds:,} are frauds",
            next_step="choose another range with --start and --end",
        )
    recipe = recipe or DEFAULT_RECIPES[family]
    fitters = {"xgboost": _fit_xgboost, "lightgbm": _fit_lightgbm}
    return fitters[family](features, fraud, recipe, seed)


def _fit_xgboost(features: Matrix, fraud: NDArray[np.int8], recipe: Recipe, seed: int) -> Any:
    import xgboost

    table = xgboost.DMatrix(features, fraud, feature_names=list(FEATURE_NAMES))
    return xgboost.train({**recipe.parameters, "seed": seed}, table, recipe.trees)


def _fit_lightgbm(features: Matrix, fraud: NDArray[np.int8], recipe: Recipe, seed: int) -> Any:
    import lightgbm

    table = lightgbm.Dataset(features, fraud, feature_name=list(FEATURE_NAMES))
    return lightgbm.train({**recipe.parameters, "seed": seed}, table, recipe.trees)
