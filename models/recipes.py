"""How each family of models is fitted: the one place for its parameters.

Cuts must be fine: at the default of 256 histogram bins, the one that separates unusual amounts falls inside
a bin. Starting from a probability of one half, and not from the rare base rate, lets small leaves be split
at all. Classes are not weighted: calibration would have to undo it, and it gained nothing on the validation
folds.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from models.boosters import Family
from models.errors import Misuse

RecipeName = Literal["default", "book", "book-tuned"]
RECIPE_NAMES: tuple[RecipeName, ...] = get_args(RecipeName)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Parameters of a library's own training function, and the number of trees."""

    family: Family
    trees: int
    parameters: dict[str, Any] = field(default_factory=dict)


_XGBOOST = {"objective": "binary:logistic", "base_score": 0.5, "tree_method": "exact"}

# `book` and `book-tuned` are what the Fraud Detection Handbook used, default and after its own search. What
# a search on the handbook's validation weeks preferred to the latter for XGBoost was no better on the weeks
# after them, so `default` is the same; for LightGBM it is what that search found. Few shallow trees also
# keep scores and reasons cheap.
RECIPES: dict[tuple[Family, RecipeName], Recipe] = {
    ("xgboost", "default"): Recipe("xgboost", 100, {**_XGBOOST, "max_depth": 3, "eta": 0.1}),
    ("xgboost", "book"): Recipe("xgboost", 100, {**_XGBOOST, "max_depth": 6, "eta": 0.3}),
    ("xgboost", "book-tuned"): Recipe("xgboost", 100, {**_XGBOOST, "max_depth": 3, "eta": 0.1}),
    ("lightgbm", "default"): Recipe(
        "lightgbm",
        120,
        {
            "objective": "binary",
            "boost_from_average": False,
            "max_bin": 4095,
            "min_data_in_bin": 1,
            "max_depth": 5,
            "num_leaves": 6,
            "learning_rate": 0.128,
            "min_child_samples": 23,
            "min_sum_hessian_in_leaf": 0.022,
            "lambda_l2": 0.54,
            "bagging_fraction": 0.9,
            "bagging_freq": 1,
            "feature_fraction_bynode": 0.88,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        },
    ),
}


def recipe_of(family: Family, name: str = "default") -> Recipe:
    """A recipe by its name.

    Raises:
        Misuse: the family has none of that name.
    """
    for (its_family, its_name), recipe in RECIPES.items():
        if (its_family, its_name) == (family, name):
            return recipe
    known = [its_name for its_family, its_name in RECIPES if its_family == family]
    raise Misuse(f"{family} has no recipe {name}", next_step=f"use {', '.join(known)}")


def source_of(recipe: Recipe) -> str:
    """A recipe as it would stand in RECIPES, but for its names."""
    parameters = "".join(
        f"        {json.dumps(name)}: {json.dumps(value) if isinstance(value, str) else repr(value)},\n"
        for name, value in recipe.parameters.items()
    )
    opening = f"Recipe(\n    {json.dumps(recipe.family)},\n    {recipe.trees},\n    {{\n"
    return f"{opening}{parameters}    }},\n)"
