"""Calibration: probabilities that mean what they say, from labels that no score has seen."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.boosters import Matrix
from models.calibration import AS_IT_IS, Calibration, cross_fitted, fit_calibration
from models.errors import BadFile
from models.ranking import Labels
from models.reliability import log_loss, reliability

ROWS = 200_000


def drawn(slope: float, intercept: float, seed: int = 1) -> tuple[Any, Any]:
    """Margins, and labels that follow from them by a known curve."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-3, 2, ROWS)
    chance = 1 / (1 + np.exp(-(slope * margins + intercept)))
    return margins, (rng.random(ROWS) < chance).astype(np.int8)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.5, -1.0), (1.5, 0.7)])
def test_the_curve_that_made_the_labels_is_found(slope: float, intercept: float) -> None:
    found = fit_calibration(*drawn(slope, intercept))
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.12)


@given(st.floats(0.05, 5), st.floats(-5, 5), st.lists(st.integers(-4000, 4000), min_size=2, unique=True))
def test_two_margins_that_differ_stay_apart_and_in_order(
    slope: float, intercept: float, thousandths: list[int]
) -> None:
    margins = np.array(sorted(thousandths)) / 1000
    assert (np.diff(Calibration(slope, intercept).probabilities(margins)) > 0).all()


def test_without_a_calibration_a_margin_is_the_log_odds() -> None:
    assert AS_IT_IS.probabilities(np.array([0.0, np.log(3)])).tolist() == pytest.approx([0.5, 0.75])


def test_overconfident_scores_are_mended_and_a_constant_is_no_calibration() -> None:
    margins, fraud = drawn(0.5, -1.0)
    calibrated = fit_calibration(*drawn(0.5, -1.0, seed=2)).probabilities(margins)
    figures = {
        name: reliability(fraud, probability, margins)
        for name, probability in {
            "constant": np.full(ROWS, fraud.mean()),
            "raw": AS_IT_IS.probabilities(margins),
            "calibrated": calibrated,
        }.items()
    }
    assert figures["calibrated"].error_top < 0.05 < figures["constant"].error_top
    assert figures["calibrated"].log_loss < figures["raw"].log_loss < 10 * figures["calibrated"].log_loss
    assert figures["calibrated"].log_loss < figures["constant"].log_loss
    assert 0.85 < figures["calibrated"].predicted_over_observed < 1.15


def test_log_loss_of_a_certainty_that_was_wrong_is_finite() -> None:
    assert log_loss(np.array([1], np.int8), np.array([0.0])) == pytest.approx(34.5, abs=0.1)


# Cross-fitting.


def test_no_row_is_scored_by_a_model_of_its_own_day() -> None:
    day = np.array([1, 1, 2, 3, 3], np.int64)
    features = day[:, None].astype(np.float32)
    seen: list[set[float]] = []

    def fit(rows: Matrix, fraud: Labels) -> Any:
        seen.append(set(rows[:, 0].tolist()))
        days = set(rows[:, 0].tolist())
        return lambda asked: np.array([float(value in days) for value in asked[:, 0].tolist()])

    assert cross_fitted(features, np.zeros(5, np.int8), day, fit).tolist() == [0.0] * 5
    assert seen == [{2.0, 3.0}, {1.0, 3.0}, {1.0, 2.0}]


def test_one_day_cannot_be_scored_by_the_others() -> None:
    day = np.ones(3, np.int64)
    with pytest.raises(BadFile, match="at least two days"):
        cross_fitted(np.zeros((3, 1), np.float32), np.zeros(3, np.int8), day, lambda rows, fraud: np.ravel)


@pytest.mark.parametrize("fraud", [0, 1])
def test_labels_of_one_kind_calibrate_nothing(fraud: int) -> None:
    with pytest.raises(BadFile, match="of both kinds"):
        fit_calibration(np.arange(4.0), np.full(4, fraud, np.int8))


def test_scores_that_fall_with_fraud_are_refused() -> None:
    margins, fraud = drawn(1.0, 0.0)
    with pytest.raises(BadFile, match="do not rise with fraud"):
        fit_calibration(-margins, fraud)
