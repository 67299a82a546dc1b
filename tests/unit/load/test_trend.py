"""A trend: the slope of the last half, whether it is more than its noise, and whether that matters."""

import numpy as np
import pytest

from load.bench.trend import Trend, trend

HOUR_S = [float(second) for second in range(0, 3601, 60)]
NOISE = np.random.default_rng(1).normal(0, 1, len(HOUR_S))


def test_the_slope_is_that_of_the_last_half_alone() -> None:
    values = [100 + min(second, 1800) / 18 for second in HOUR_S]
    found = trend(HOUR_S, values)
    assert found is not None
    assert (found.per_hour, found.mean, found.window_s) == pytest.approx((0, 200, 1800))


def test_what_grows_steadily_is_not_flat_and_its_slope_is_told_per_hour() -> None:
    found = trend(HOUR_S, (300 + np.array(HOUR_S) / 36 + NOISE).tolist())
    assert found is not None
    assert found.per_hour == pytest.approx(100, rel=0.05)
    assert not found.flat(tolerated=0.01)


def test_noise_around_a_level_is_flat() -> None:
    found = trend(HOUR_S, (300 + NOISE).tolist())
    assert found is not None
    assert found.error_per_hour > 0
    assert found.flat(tolerated=0.0)


def test_what_shrinks_is_flat() -> None:
    found = trend(HOUR_S, (300 - np.array(HOUR_S) / 36).tolist())
    assert found is not None
    assert found.flat(tolerated=0.0)


def test_growth_beyond_its_noise_that_is_a_small_part_of_the_whole_is_flat() -> None:
    grows = Trend(per_hour=4.0, error_per_hour=0.1, mean=300, window_s=1800)
    assert grows.flat(tolerated=0.01)
    assert not grows.flat(tolerated=0.005)


@pytest.mark.parametrize("points", [0, 1, 6])
def test_too_few_points_have_no_trend(points: int) -> None:
    assert trend(HOUR_S[:points], HOUR_S[:points]) is None
