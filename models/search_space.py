"""Where a search for a recipe looks: which parameters vary, and how far.

Everything that is not named here stays as the family's default recipe has it, XGBoost's exact cuts among it:
histograms train several times faster, but even with 4,096 bins they lose about as much average precision as
a search gains. So a recipe that was found is trained exactly as it was measured. Few shallow trees keep
scores and reasons cheap, which bounds their number and depth.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.boosters import Family
from models.recipes import Recipe, recipe_of

TREES = "trees"
DIGITS = 3

Value = int | float
Point = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Span:
    """From low to high, both included; whole numbers where both are. log: a step is a ratio."""

    low: Value
    high: Value
    log: bool = False


SPACES: dict[Family, dict[str, Span]] = {
    "xgboost": {
        TREES: Span(40, 300),
        "eta": Span(0.03, 0.3, log=True),
        "max_depth": Span(2, 8),
        "min_child_weight": Span(0.1, 10.0, log=True),
        "lambda": Span(0.1, 10.0, log=True),
        "subsample": Span(0.5, 1.0),
        # By level: exact cuts cannot draw columns by node.
        "colsample_bylevel": Span(0.4, 1.0),
    },
    "lightgbm": {
        TREES: Span(40, 300),
        "learning_rate": Span(0.03, 0.3, log=True),
        "max_depth": Span(2, 8),
        "num_leaves": Span(4, 64, log=True),
        "min_child_samples": Span(5, 100, log=True),
        "min_sum_hessian_in_leaf": Span(0.001, 1.0, log=True),
        "lambda_l2": Span(0.01, 10.0, log=True),
        "bagging_fraction": Span(0.5, 1.0),
        "feature_fraction_bynode": Span(0.4, 1.0),
    },
}
# What a library takes for a parameter that varies and that the default recipe does not name.
UNNAMED: dict[Family, Point] = {
    "xgboost": {"min_child_weight": 1.0, "lambda": 1.0, "subsample": 1.0, "colsample_bylevel": 1.0},
    "lightgbm": {},
}


def default_point(family: Family) -> Point:
    """Where the default recipe stands in its space."""
    default = recipe_of(family)
    known = {TREES: default.trees, **UNNAMED[family], **default.parameters}
    return {name: known[name] for name in SPACES[family]}


def recipe_at(family: Family, point: Mapping[str, Value]) -> Recipe:
    """The default recipe with the values of a point, rounded to what is worth writing down."""
    found = {name: _rounded(value) for name, value in point.items() if name != TREES}
    return Recipe(family, int(point[TREES]), recipe_of(family).parameters | found)


def _rounded(value: Value) -> Value:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
