"""The two families of models, loaded natively and asked on one thread: else it costs 10 to 100 times more."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.errors import ModelRejected
from models.features import FEATURES

Family = Literal["xgboost", "lightgbm"]
FAMILIES: tuple[Family, ...] = get_args(Family)
Matrix = NDArray[np.float32]
Scores = NDArray[np.float64]
Predict = Callable[[Matrix], Scores]
Explain = Callable[[Matrix], NDArray[np.float64]]

FAMILY_TITLES: dict[Family, str] = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}
MODEL_FILES: dict[Family, str] = {"xgboost": "model.ubj", "lightgbm": "model.txt"}


def registered_name(family: Family) -> str:
    return f"FraudDetection_{FAMILY_TITLES[family]}"


@dataclass(frozen=True, slots=True)
class Trees:
    """A booster that is only asked.

    margins: float32 (n, len(FEATURES)) to float64 log-odds (n,), as the trees give them.
    contributions: what each feature adds to the margin, float64 (n, len(FEATURES) + 1); the last column is
    what all rows begin with. Each row adds up to its margin. Source: Lundberg et al. 2020, exact TreeSHAP.
    """

    margins: Predict
    contributions: Explain

    def probabilities(self, matrix: Matrix) -> Scores:
        """What the booster itself takes for the probability of fraud, (n,)."""
        return np.asarray(expit(self.margins(matrix)), np.float64)


def load_booster(file: Path, family: Family) -> Trees:
    """Read a model file.

    Parses in this process: only for files that `models.verify` has passed.

    Raises:
        ModelRejected: the library cannot read the file, or the model has another width.
    """
    loaders = {"xgboost": _load_xgboost, "lightgbm": _load_lightgbm}
    try:
        width, trees = loaders[family](file)
    except Exception as error:  # the libraries raise their own and builtin ones alike
        raise ModelRejected(f"{file.name} is not a {family} model", why=str(error).split("\n")[0]) from error
    if width != len(FEATURES):
        raise ModelRejected(
            f"{file.name} wants {width} features", why=f"this version computes {len(FEATURES)}"
        )
    return trees


def _load_xgboost(file: Path) -> tuple[int, Trees]:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(file)
    return booster.num_features(), trees_of(booster, "xgboost")


def _load_lightgbm(file: Path) -> tuple[int, Trees]:
    import lightgbm

    booster = lightgbm.Booster(model_str=file.read_text())
    return booster.num_feature(), trees_of(booster, "lightgbm")


def trees_of(booster: Any, family: Family) -> Trees:
    """A native booster as functions of a float32 matrix."""
    return _xgboost_trees(booster) if family == "xgboost" else _lightgbm_trees(booster)


def _xgboost_trees(booster: Any) -> Trees:
    import xgboost

    booster.set_param({"nthread": 1})
    names = booster.feature_names

    def contributions(matrix: Matrix) -> NDArray[np.float64]:
        table = xgboost.DMatrix(matrix, feature_names=names, nthread=1)
        return np.asarray(booster.predict(table, pred_contribs=True), np.float64)

    return Trees(
        lambda matrix: np.asarray(
            booster.inplace_predict(matrix, predict_type="margin", validate_features=False), np.float64
        ),
        contributions,
    )


def _lightgbm_trees(booster: Any) -> Trees:
    return Trees(
        lambda matrix: np.asarray(booster.predict(matrix, raw_score=True, num_threads=1), np.float64),
        lambda matrix: np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1), np.float64),
    )
