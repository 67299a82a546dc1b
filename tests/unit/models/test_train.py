"""Training: from labelled rows to a booster that has learned them, the same every time."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from models.boosters import FAMILIES, Family, Matrix, Scores, trees_of
from models.errors import BadFile
from models.features import FEATURE_NAMES, FEATURES
from models.recipes import RECIPES, Recipe, recipe_of
from models.train import fit
from tests.unit.models.trained import AMOUNT, booster, few_trees, rows

both = pytest.mark.parametrize("family", FAMILIES)


def separation(scores: Scores, fraud: np.ndarray[tuple[int], np.dtype[np.int8]]) -> float:
    """How often a fraud has a higher score than a genuine transaction: 1 for always."""
    frauds, genuine = scores[fraud == 1], scores[fraud == 0]
    return float((frauds[:, None] > genuine[None]).mean())


def unusual_amounts(count: int = 20_000) -> tuple[Matrix, np.ndarray[tuple[int], np.dtype[np.int8]]]:
    """One in five hundred is above 220.00 and a fraud, as in the simulator's first scenario."""
    rng = np.random.default_rng(7)
    features = np.zeros((count, len(FEATURES)), np.float32)
    features[:, AMOUNT] = rng.integers(0, 22_000, count)
    features[:40, AMOUNT] = rng.integers(22_001, 23_000, 40)
    return features, (features[:, AMOUNT] > 22_000).astype(np.int8)


@both
def test_a_booster_learns_what_its_rows_show(family: Family) -> None:
    fresh = rows(seed=2)
    scores = trees_of(booster(family), family).probabilities(fresh.features)
    assert separation(scores, fresh.fraud) > 0.99


def wrongly_caught(family: Family, recipe: Recipe) -> int:
    """Genuine transactions that score as high as a fraud."""
    features, fraud = unusual_amounts()
    scores = trees_of(fit(family, features, fraud, seed=1, recipe=recipe), family).probabilities(features)
    return int((scores[fraud == 0] >= scores[fraud == 1].min()).sum())


@both
def test_fine_cuts_catch_few_of_the_largest_usual_amounts_where_the_default_catches_many(
    family: Family,
) -> None:
    own = few_trees(family)
    coarse: dict[Family, dict[str, Any]] = {
        "xgboost": {"tree_method": "hist", "max_bin": 256},
        "lightgbm": {"max_bin": 256},
    }
    default = replace(own, parameters={**own.parameters, **coarse[family]})
    assert wrongly_caught(family, own) < 6 < 30 < wrongly_caught(family, default)


@both
def test_a_booster_knows_its_features_by_name(family: Family) -> None:
    model = booster(family)
    names = model.feature_names if family == "xgboost" else model.feature_name()
    assert tuple(names) == FEATURE_NAMES


@both
def test_the_recipe_says_how_many_trees(family: Family) -> None:
    sample = rows(count=200)
    model = fit(family, sample.features, sample.fraud, seed=1)
    trees = model.num_boosted_rounds() if family == "xgboost" else model.num_trees()
    assert trees == recipe_of(family).trees


@both
@pytest.mark.parametrize(("count", "fraud"), [(0, 0), (5, 0), (5, 1)], ids=["none", "genuine", "frauds"])
def test_rows_of_one_kind_teach_nothing(family: Family, count: int, fraud: int) -> None:
    with pytest.raises(BadFile, match=f"of {count} in this range {count * fraud} are frauds") as refused:
        fit(family, rows().features[:count], np.full(count, fraud, np.int8), seed=1)
    assert refused.value.next_step


def test_there_is_a_recipe_for_each_family_under_its_name() -> None:
    assert all(family == recipe.family for (family, _), recipe in RECIPES.items())
    assert {family for family, name in RECIPES if name == "default"} == set(FAMILIES)
