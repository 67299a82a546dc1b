"""Which boosters may be registered, and that the scores served are those that their own predict gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.boosters import FAMILIES, Family, load_booster, trees_of
from models.errors import Misuse
from models.features import FEATURE_NAMES
from models.native import native
from tests.unit.models.trained import booster, model_file, rows

pytestmark = pytest.mark.filterwarnings(r"ignore:X does not have valid feature names:UserWarning")


def interface(family: Family, kind: str = "Classifier", **parameters: Any) -> Any:
    import lightgbm
    import xgboost

    if family == "xgboost":
        return getattr(xgboost, f"XGB{kind}")(**{"n_estimators": 5, **parameters})
    return getattr(lightgbm, f"LGBM{kind}")(**{"n_estimators": 5, "verbosity": -1, **parameters})


def fitted(family: Family, kind: str = "Classifier", **parameters: Any) -> Any:
    return interface(family, kind, **parameters).fit(rows().features, rows().fraud)


def table(names: list[str]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows().features, columns=names)


def served(model: Any, family: Family, folder: Path) -> Any:
    """Probabilities of the file that a worker would read."""
    own = native(model, family)
    content = bytes(own.save_raw("ubj")) if family == "xgboost" else own.model_to_string().encode()
    return load_booster(model_file(folder, family, content), family).probabilities(rows().features)


def mislabelled(seed: int) -> Any:
    """One label in five is another: soon there is nothing more to learn."""
    return rows(seed=seed).fraud ^ (np.random.default_rng(seed).random(1500) < 0.2)


def stopped_early(family: Family) -> Any:
    """Fitted to some rounds after the best one."""
    features, held_out = rows().features, rows(seed=2).features
    if family == "xgboost":
        model = interface(family, n_estimators=50, early_stopping_rounds=5)
        return model.fit(features, mislabelled(1), eval_set=[(held_out, mislabelled(2))], verbose=False)
    from lightgbm import early_stopping

    once_stopped = [early_stopping(5, verbose=False)]
    return interface(family, n_estimators=50).fit(
        features, mislabelled(1), eval_X=held_out, eval_y=mislabelled(2), callbacks=once_stopped
    )


# Names.


@pytest.mark.parametrize("family", FAMILIES)
def test_features_under_the_names_of_others_are_refused(family: Family) -> None:
    model = interface(family).fit(table([f"V{number}" for number in range(15)]), rows().fraud)
    with pytest.raises(Misuse, match=r"has the features under other names.*Next: fit it to columns"):
        native(model, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_features_in_another_order_are_refused(family: Family) -> None:
    model = interface(family).fit(table(list(FEATURE_NAMES[::-1])), rows().fraud)
    with pytest.raises(Misuse, match=r"the model has the features in another order.*Next: fit it"):
        native(model, family)


@pytest.mark.parametrize("family", FAMILIES)
def test_features_by_their_names_or_without_any_are_taken(family: Family) -> None:
    for features in (table(list(FEATURE_NAMES)), rows().features):
        native(interface(family).fit(features, rows().fraud), family)
    native(booster(family), family)


def test_the_default_names_of_the_libraries_are_taken() -> None:
    native(interface("xgboost").fit(table([f"f{column}" for column in range(15)]), rows().fraud), "xgboost")


# Objectives.


@pytest.mark.parametrize(
    ("family", "kind", "parameters"),
    [
        ("xgboost", "Regressor", {}),
        ("xgboost", "Classifier", {"objective": "multi:softprob", "num_class": 2}),
        ("xgboost", "Classifier", {"objective": "binary:hinge"}),
        ("lightgbm", "Regressor", {}),
        ("lightgbm", "Classifier", {"objective": "cross_entropy"}),
        ("lightgbm", "Classifier", {"sigmoid": 2.0}),
        ("lightgbm", "Classifier", {"objective": lambda true, margin: (margin - true, np.ones_like(margin))}),
    ],
)
def test_a_model_whose_margins_are_not_log_odds_is_refused(
    family: Family, kind: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(Misuse, match=r"was fitted to the objective .* Next: fit it to the objective binary"):
        native(fitted(family, kind, **parameters), family)


def test_a_ranking_model_is_refused() -> None:
    model = interface("xgboost", "Ranker").fit(rows().features, rows().fraud, qid=np.arange(1500) // 100)
    with pytest.raises(Misuse, match="was fitted to the objective rank"):
        native(model, "xgboost")


def test_a_model_without_trees_is_refused_in_our_own_words() -> None:
    with pytest.raises(Misuse, match=r"the model has no trees.*Next: fit it with booster='gbtree'"):
        native(fitted("xgboost", booster="gblinear"), "xgboost")
    with pytest.raises(Misuse, match="the model has no trees"):
        native(fitted("xgboost", booster="gblinear").get_booster(), "xgboost")


def test_the_margins_of_logitraw_are_the_same_log_odds(tmp_path: Path) -> None:
    """From one start: a base_score of the first is a margin, of the second a probability."""
    raw = fitted("xgboost", objective="binary:logitraw", base_score=0.0)
    plain = fitted("xgboost", objective="binary:logistic", base_score=0.5)
    assert np.allclose(served(raw, "xgboost", tmp_path), served(plain, "xgboost", tmp_path), atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_is_not_fitted_is_refused(family: Family) -> None:
    with pytest.raises(Misuse, match=r"is not fitted.*Next: call its fit first"):
        native(interface(family), family)


# Early stopping.


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_stopped_early_is_served_with_the_scores_of_its_own_predict(
    family: Family, tmp_path: Path
) -> None:
    model = stopped_early(family)
    own = model.predict_proba(rows().features)[:, 1]
    assert np.allclose(served(model, family, tmp_path), own, rtol=0, atol=1e-6)
    assert np.allclose(trees_of(native(model, family), family).probabilities(rows().features), own, atol=1e-6)


def test_only_the_rounds_up_to_the_best_are_kept() -> None:
    model = stopped_early("xgboost")
    assert model.get_booster().num_boosted_rounds() == model.best_iteration + 6
    assert native(model, "xgboost").num_boosted_rounds() == model.best_iteration + 1


@pytest.mark.parametrize("family", FAMILIES)
def test_reasons_are_those_of_the_rounds_that_are_kept(family: Family) -> None:
    trees = trees_of(native(stopped_early(family), family), family)
    features = rows().features[:50]
    assert np.allclose(trees.contributions(features).sum(axis=1), trees.margins(features), atol=1e-4)
