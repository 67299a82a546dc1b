"""What a caller gives along with a model to register: checked before the registry hears of it."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from models.boosters import FAMILIES, FAMILY_TITLES, Family, Matrix
from models.calibration import AS_IT_IS, Calibration
from models.errors import Misuse
from models.features import FEATURE_NAMES
from models.ranking import Labels

SELECT = "select the columns with list(FEATURE_NAMES)"
LABEL = "give one label for each row: 1 for fraud, 0 for genuine"


def family_of(title: str) -> Family:
    for family in FAMILIES:
        if FAMILY_TITLES[family] == title:
            return family
    raise Misuse(
        f"no family of models is called {title}", next_step=f"use {' or '.join(FAMILY_TITLES.values())}"
    )


def training_rows(features: Any, fraud: Any) -> tuple[Matrix, Labels]:
    """Rows of FEATURES, float32 (n, len(FEATURES)), and their labels (n,), of both kinds.

    Raises:
        Misuse: columns of other names or in another order, values that are no finite numbers, no rows, or
            labels that are not 0 and 1 or not one for each row.
    """
    matrix, labels = _matrix(features), _labels(fraud)
    if len(matrix) != len(labels):
        raise Misuse(f"there are {len(matrix):,} rows and {len(labels):,} labels", next_step=LABEL)
    frauds = int(labels.sum())
    if not 0 < frauds < len(labels):
        raise Misuse(
            "a model wants training rows of both kinds",
            why=f"of {len(labels):,} rows {frauds:,} are frauds",
            next_step="give the rows and labels that it was fitted to",
        )
    return matrix, labels


def _matrix(given: Any) -> Matrix:
    names = list(getattr(given, "columns", FEATURE_NAMES))
    if names != list(FEATURE_NAMES):
        what = "stand in another order" if set(names) == set(FEATURE_NAMES) else "are not those of FEATURES"
        raise Misuse(f"the columns {what}", why=f"they are {names}", next_step=SELECT)
    try:
        # What is too large for float32 becomes inf, and is refused as that.
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise Misuse("the rows are no table of numbers", why=str(error), next_step=SELECT) from error
    if matrix.ndim != 2 or matrix.shape[1] != len(FEATURE_NAMES):
        raise Misuse(
            f"the rows have shape {matrix.shape}", why=f"FEATURES has {len(FEATURE_NAMES)}", next_step=SELECT
        )
    _check_finite(matrix)
    return matrix


def _check_finite(matrix: Matrix) -> None:
    wrong = ~np.isfinite(matrix)
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        raise Misuse(
            f"{FEATURE_NAMES[column]} is {matrix[row, column]} in row {row:,}",
            why="features are finite numbers, and workers compute no others",
            next_step="leave out such rows, here and where the model is fitted",
        )


def _labels(given: Any) -> Labels:
    labels = np.asarray(given)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise Misuse(f"the labels have shape {labels.shape}", next_step=LABEL)
    # An array of objects may hold what has no hash, too.
    values = labels.tolist() if labels.dtype == object else np.unique(labels).tolist()
    strange = [value for value in values if not _is_label(value)]
    if strange:
        raise Misuse(f"{strange[0]!r} is no label", why="labels are 0 and 1", next_step=LABEL)
    return labels.astype(np.int8)


def _is_label(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.bool_) and value in (0, 1)


def calibration_in(meta: Mapping[str, Any]) -> Calibration:
    """The one that is given, or none.

    Raises:
        Misuse: it is not a finite slope above 0 and a finite intercept.
    """
    given = meta.get("calibration", AS_IT_IS)
    cure = "use what fit_calibration returns, or leave it out"
    try:
        # Through builtins: an instance of the class has never been checked.
        found = msgspec.convert(msgspec.to_builtins(given), Calibration)
    except (msgspec.ValidationError, TypeError) as error:
        raise Misuse("this is no calibration", why=str(error), next_step=cure) from error
    if not np.isfinite([found.slope, found.intercept]).all():
        why = f"its slope is {found.slope} and its intercept {found.intercept}"
        raise Misuse("this is no calibration", why=why, next_step=cure)
    return found


def trained_in(meta: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in _named(meta, "trained").items()}


def metrics_in(meta: Mapping[str, Any]) -> dict[str, float]:
    """The figures to keep.

    Raises:
        Misuse: one is no number.
    """
    try:
        return {key: float(value) for key, value in _named(meta, "metrics").items()}
    except (TypeError, ValueError) as error:
        raise Misuse("metrics are numbers", why=str(error), next_step="put words in trained") from error


def _named(meta: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = meta.get(key, {})
    if not isinstance(found, Mapping):
        raise Misuse(f"meta['{key}'] is a {type(found).__name__}", next_step="give a dict of names to values")
    return found
