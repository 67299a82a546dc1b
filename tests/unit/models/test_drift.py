"""The population stability index: nothing where nothing has changed, more the more has."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.drift import band_of, bins_of, by_chance, drifts, index
from models.features import FEATURE_NAMES, FEATURES
from models.training_sample import TrainingSample, training_sample

AMOUNT, WEEKEND = FEATURE_NAMES.index("amount_minor"), FEATURE_NAMES.index("is_weekend")
shares = st.lists(st.integers(1, 100), min_size=2, max_size=12)


def features(rows: int, seed: int) -> Any:
    """Amounts, flags of which five in seven are 0, and what is nearly always 0."""
    rng = np.random.default_rng(seed)
    found = np.where(rng.random((rows, len(FEATURES))) < 0.97, 0, rng.random((rows, len(FEATURES))))
    found[:, AMOUNT] = rng.lognormal(8, 1, rows)
    found[:, WEEKEND] = rng.random(rows) > 5 / 7
    return found.astype(np.float32)


TRAINED = training_sample(features(40_000, 1))


def drift_of(name: str, now: Any, trained: TrainingSample = TRAINED) -> Any:
    return next(each for each in drifts(now, trained) if each.feature == name)


def test_the_index_of_two_bins_by_hand() -> None:
    expected, counts = np.array([0.5, 0.5]), np.array([60_000_000, 40_000_000])
    # (0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5)
    assert index(expected, counts) == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8), rel=1e-5)


@given(shares, st.data())
def test_the_index_is_0_where_shares_are_alike_and_never_below(expected: list[int], data: Any) -> None:
    wanted = np.array(expected) / sum(expected)
    assert index(wanted, np.array(expected)) == pytest.approx(0, abs=1e-12)
    others = data.draw(st.lists(st.integers(0, 100), min_size=len(expected), max_size=len(expected)))
    assert index(wanted, np.array(others)) >= -1e-12


@pytest.mark.parametrize(
    ("psi", "band"), [(0.0, "stable"), (0.0999, "stable"), (0.1, "moderate"), (0.25, "significant")]
)
def test_bands_are_the_usual_ones(psi: float, band: str) -> None:
    assert band_of(psi) == band


def test_bins_hold_what_the_training_rows_say() -> None:
    column = np.array([0] * 700 + [1] * 300, np.float64)
    values = np.quantile(column, [0, 0.5, 0.7, 0.8, 1]).tolist()
    cuts, expected = bins_of(values, [0.7, 0.7, 0.7, 1.0, 1.0], 1000)
    # Below all, 0, from there to 1, above all.
    assert np.searchsorted(cuts, [-1e-9, 0.0, 0.5, 1.0, 1.1], side="left").tolist() == [0, 1, 2, 2, 3]
    assert expected == pytest.approx(np.array([0.0005, 0.7, 0.3, 0.0005]) / 1.001)


def test_what_has_not_changed_is_stable_whatever_its_kind() -> None:
    found = drifts(features(20_000, 2), TRAINED)
    assert {each.feature for each in found} == set(FEATURE_NAMES)
    assert all(each.band == "stable" and each.psi < 0.005 for each in found)


def test_chance_alone_exceeds_what_it_should_once_in_twenty_times() -> None:
    exceeded = [
        each.psi > each.by_chance for seed in range(40) for each in drifts(features(400, seed), TRAINED)
    ]
    assert 0.01 < np.mean(exceeded) < 0.1


def test_fewer_rows_let_chance_do_more() -> None:
    assert by_chance(10, 100, 40_000) > 5 * by_chance(10, 1000, 40_000) > 0
    assert by_chance(1, 100, 40_000) == 0


def test_what_has_changed_most_comes_first() -> None:
    now = features(5000, 2)
    now[:, AMOUNT] *= 3
    now[:, WEEKEND] = np.random.default_rng(3).random(5000) > 0.5
    found = drifts(now, TRAINED)
    assert [each.feature for each in found[:2]] == ["amount_minor", "is_weekend"]
    assert [each.psi for each in found] == sorted((each.psi for each in found), reverse=True)
    assert found[0].band == "significant"
    assert found[0].median_now == pytest.approx(3 * found[0].median_then, rel=0.1)


def test_what_never_occurred_in_training_is_seen() -> None:
    """Even of a feature that was always the same."""
    constant = features(1000, 1)
    constant[:, AMOUNT] = 7
    trained = training_sample(constant)
    assert drift_of("amount_minor", constant, trained).psi < 0.01
    for other in (6.9, 7.1):
        now = constant.copy()
        now[:, AMOUNT] = other
        assert drift_of("amount_minor", now, trained).band == "significant"


def test_a_training_sample_says_how_many_rows_are_at_most_so_great() -> None:
    column = features(1000, 1)
    column[:, WEEKEND] = [0] * 714 + [1] * 286
    sample = training_sample(column)
    assert sample.is_known
    assert set(sample.shares_up_to["is_weekend"]) == {0.714, 1.0}
    assert sample.shares_up_to["amount_minor"][7] == pytest.approx(0.5)
    assert not training_sample(column[:0]).is_known
    assert not TrainingSample(1000, sample.distributions, {}).is_known
