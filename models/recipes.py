"""How each family of models is fitted: the one place for its parameters.

Histogram bins must be fine: at the default of 256, the cut that separates unusual amounts falls inside a bin.
Starting from a probability of one half, and not from the rare base rate, lets small leaves be split at all.
"""

from dataclasses import dataclass, field
from typing import Any

from models.boosters import Family


@dataclass(frozen=True, slots=True)
class Recipe:
    """Parameters of a library's own training function, and the number of trees."""

    family: Family
    trees: int
    parameters: dict[str, Any] = field(default_factory=dict)


DEFAULT_RECIPES: dict[Family, Recipe] = {
    "xgboost": Recipe(
        "xgboost",
        trees=100,
        parameters={
            "objective": "binary:logistic",
            "base_score": 0.5,
            "tree_method": "hist",
            "max_bin": 4096,
            "max_depth": 3,
            "eta": 0.1,
        },
    ),
    "lightgbm": Recipe(
        "lightgbm",
        trees=100,
        parameters={
            "objective": "binary",
            "boost_from_average": False,
            "max_bin": 1023,
            "max_depth": 3,
            "num_leaves": 8,
            "learning_rate": 0.1,
            "min_child_samples": 1,
            "lambda_l2": 1.0,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        },
    ),
}
