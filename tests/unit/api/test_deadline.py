"""A request's time only gets less."""

import pytest

from api.deadline import Deadline
from tests.unit.streams.virtual_time import Clock


def test_the_time_that_passes_is_taken_from_the_budget() -> None:
    clock = Clock()
    deadline = Deadline(0.25, clock)
    clock.now_s = 0.1
    assert deadline.remaining_s() == pytest.approx(0.15)
    clock.now_s = 9.0
    assert deadline.remaining_s() == 0
