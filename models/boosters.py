"""The two families of models, loaded natively and asked on one thread: else it costs 10 to 100 times more."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelRejected
from models.features import FEATURES

Family = Literal["xgboost", "lightgbm"]
FAMILIES: tuple[Family, ...] = get_args(Family)
Matrix = NDArray[np.float32]
Scores = NDArray[np.float64]
Predict = Callable[[Matrix], Scores]

FAMILY_TITLES: dict[Family, str] = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}
MODEL_FILES: dict[Family, str] = {"xgboost": "model.ubj", "lightgbm": "model.txt"}


def registered_name(family: Family) -> str:
    return f"FraudDetection_{FAMILY_TITLES[family]}"


def is_booster(model: Any, family: Family) -> bool:
    """Whether a model is what the family's library calls a Booster."""
    return isinstance(model, import_module(family).Booster)


def load_booster(file: Path, family: Family) -> Predict:
    """A model file to a function: float32 (n, len(FEATURES)) to float64 probabilities (n,).

    Parses in this process: only for files that `models.verify` has passed.

    Raises:
        ModelRejected: the library cannot read the file, or the model has another width.
    """
    loaders = {"xgboost": _load_xgboost, "lightgbm": _load_lightgbm}
    try:
        width, predict = loaders[family](file)
    except Exception as error:  # the libraries raise their own and builtin ones alike
        raise ModelRejected(f"{file.name} is not a {family} model", why=str(error).split("\n")[0]) from error
    if width != len(FEATURES):
        raise ModelRejected(
            f"{file.name} wants {width} features", why=f"this version computes {len(FEATURES)}"
        )
    return predict


def _load_xgboost(file: Path) -> tuple[int, Predict]:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(file)
    return booster.num_features(), predict_with(booster, "xgboost")


def _load_lightgbm(file: Path) -> tuple[int, Predict]:
    import lightgbm

    booster = lightgbm.Booster(model_str=file.read_text())
    return booster.num_feature(), predict_with(booster, "lightgbm")


def predict_with(booster: Any, family: Family) -> Predict:
    """A native booster as a function of a float32 matrix."""
    if family == "xgboost":
        booster.set_param({"nthread": 1})
        return lambda matrix: booster.inplace_predict(matrix, validate_features=False).astype(np.float64)
    return lambda matrix: np.asarray(booster.predict(matrix, num_threads=1), np.float64)
