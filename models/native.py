"""Which models can be registered: boosters over FEATURES whose margins are log-odds of fraud."""

import json
from importlib import import_module
from typing import Any

from models.boosters import FAMILY_TITLES, Family
from models.errors import Misuse
from models.features import FEATURE_NAMES, FEATURES

# The margins of both are log-odds; the second only leaves the logistic curve to its caller.
XGBOOST_OBJECTIVES = ("binary:logistic", "binary:logitraw")
# LightGBM writes its sigmoid down too: another than 1 would stretch the margins.
LIGHTGBM_OBJECTIVE = "binary sigmoid:1"


def native(model: Any, family: Family) -> Any:
    """The library's own Booster: the model itself, or what a scikit-learn interface of the library has
    fitted, without the rounds that its predictions leave out.

    Raises:
        Misuse: another kind of model, or one that is not fitted, has other features, or another objective.
    """
    library = import_module(family)
    if isinstance(model, library.XGBModel if family == "xgboost" else library.LGBMModel):
        model = _fitted(model, family)
    if not isinstance(model, library.Booster):
        raise Misuse(
            f"a {type(model).__name__} is no model of {FAMILY_TITLES[family]}",
            why="only its own boosters can be kept without pickles",
            next_step="log a Booster, or what the library's scikit-learn interface fitted",
        )
    _check_names(model, family)
    _check_objective(model, family)
    return model


def _fitted(model: Any, family: Family) -> Any:
    try:
        return _as_predicting(model) if family == "xgboost" else model.booster_
    except Misuse:
        raise
    except Exception as error:
        raise Misuse(
            f"the {type(model).__name__} is not fitted", why=str(error), next_step="call its fit first"
        ) from error


def _as_predicting(model: Any) -> Any:
    """XGBoost's interface stops at the best round, its booster does not. LightGBM's booster does, asked or
    saved."""
    booster = model.get_booster()
    _check_trees(booster)
    best = booster.attr("best_iteration")
    return booster if best is None else booster[: int(best) + 1]


def _check_trees(booster: Any) -> None:
    if _learner(booster)["gradient_booster"]["name"] == "gblinear":
        raise Misuse(
            "the model has no trees",
            why="gblinear adds up weighted features, and reasons need trees",
            next_step="fit it with booster='gbtree'",
        )


def _check_names(booster: Any, family: Family) -> None:
    width = booster.num_features() if family == "xgboost" else booster.num_feature()
    if width != len(FEATURES):
        raise Misuse(
            f"the model has {width} features",
            why=f"FEATURES has {len(FEATURES)}",
            next_step="fit it to the columns of FEATURE_NAMES",
        )
    names = tuple((booster.feature_names if family == "xgboost" else booster.feature_name()) or ())
    if names in ((), FEATURE_NAMES, *_default_names(width)):
        return
    other = "in another order" if set(names) == set(FEATURE_NAMES) else "under other names"
    raise Misuse(
        f"the model has the features {other}",
        why=f"it was fitted to {list(names)}",
        next_step="fit it to columns in the order of FEATURE_NAMES",
    )


def _default_names(width: int) -> list[tuple[str, ...]]:
    """What the libraries call columns that came without names."""
    return [tuple(f"{prefix}{column}" for column in range(width)) for prefix in ("f", "Column_")]


def _check_objective(booster: Any, family: Family) -> None:
    if family == "xgboost":
        _check_trees(booster)
        found = str(_learner(booster)["objective"]["name"])
        accepted, cure = found in XGBOOST_OBJECTIVES, "binary:logistic (XGBClassifier, of two classes)"
    else:
        found = str(booster.dump_model(num_iteration=1).get("objective", "custom"))
        accepted, cure = found == LIGHTGBM_OBJECTIVE, "binary, with a sigmoid of 1 (LGBMClassifier)"
    if not accepted:
        raise Misuse(
            f"the model was fitted to the objective {found}",
            why="its margins are not log-odds of fraud",
            next_step=f"fit it to the objective {cure}",
        )


def _learner(booster: Any) -> dict[str, Any]:
    """XGBoost tells its own configuration as JSON alone."""
    return dict(json.loads(booster.save_config())["learner"])
