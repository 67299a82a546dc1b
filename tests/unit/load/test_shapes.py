"""Shapes of load: over a period all have their mean, none is ever negative, and due times ascend."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.shapes import PERIOD_S, Kind, Shape
from models.errors import BadSetting

shapes = st.builds(Shape, st.sampled_from(Kind), st.floats(0.1, 20_000), st.floats(1, 86_400))
times = st.floats(0, 400_000)


@given(shapes, st.integers(0, 50), st.floats(0, 1))
def test_a_whole_period_has_the_mean_times_its_length_wherever_it_begins(
    shape: Shape, periods: int, place: float
) -> None:
    began_s = (periods + place) * shape.period_s
    count = shape.count(np.array([began_s, began_s + shape.period_s]))
    assert count[1] - count[0] == pytest.approx(shape.mean_rate * shape.period_s, rel=1e-6)


@given(shapes, times, st.floats(0, 10_000))
def test_no_rate_is_negative(shape: Shape, time_s: float, later_s: float) -> None:
    before, after = shape.count(np.array([time_s, time_s + later_s]))
    assert after >= before * (1 - 1e-9)


@given(shapes, st.integers(0, 1_000_000), st.integers(1, 300))
def test_due_times_ascend_and_are_where_the_count_gets_there(shape: Shape, first: int, count: int) -> None:
    due_s = shape.due_s(first, count)
    assert len(due_s) == count
    assert due_s[0] >= 0
    assert (np.diff(due_s) >= 0).all()
    assert shape.count(due_s) == pytest.approx(np.arange(first, first + count), rel=1e-6, abs=1e-3)


@given(shapes, st.integers(0, 5_000), st.integers(1, 100))
def test_due_times_do_not_depend_on_where_one_begins_to_ask(shape: Shape, first: int, count: int) -> None:
    assert shape.due_s(0, first + count)[first:].tolist() == shape.due_s(first, count).tolist()


PEAKS = {Kind.STEADY: (1.0, 1.0), Kind.RAMP: (0.0, 2.0), Kind.BURST: (5 / 9, 5.0), Kind.DIURNAL: (0.2, 1.8)}


@pytest.mark.parametrize("kind", Kind)
def test_the_least_and_the_greatest_rate_are_those_of_the_docs(kind: Kind) -> None:
    rates = np.diff(Shape(kind, mean_rate=100.0).count(np.arange(0, PERIOD_S, 0.01))) / 0.01
    least, greatest = PEAKS[kind]
    assert rates.min() == pytest.approx(100 * least, abs=0.1)
    assert rates.max() == pytest.approx(100 * greatest, abs=0.1)


def test_the_steady_one_is_due_every_so_often() -> None:
    assert Shape(Kind.STEADY, 4.0).due_s(2, 3).tolist() == pytest.approx([0.5, 0.75, 1.0], abs=1e-9)


@pytest.mark.parametrize(
    "wrong", [{"mean_rate": 0.0}, {"mean_rate": float("nan")}, {"mean_rate": 1.0, "period_s": -1.0}]
)
def test_a_shape_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match="of a shape is"):
        Shape(Kind.RAMP, **wrong)
