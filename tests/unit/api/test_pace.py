"""Batches under load begin at a measured pace; a small one holds up nobody."""

from api.pace import AT_ONCE, Pace
from tests.unit.streams.virtual_time import Clock

APART_S, CROWD = 0.01, 4


def test_after_a_small_batch_the_next_goes_at_once() -> None:
    clock = Clock()
    pace = Pace(APART_S, CROWD, clock)
    assert pace.wait_s() == 0
    pace.begins(CROWD - 1)
    assert pace.wait_s() == 0


def test_after_a_large_batch_the_next_waits_until_its_time() -> None:
    clock = Clock()
    pace = Pace(APART_S, CROWD, clock)
    pace.begins(CROWD)
    assert pace.wait_s() == APART_S
    clock.wait(0.75 * APART_S)
    assert round(pace.wait_s(), 6) == 0.25 * APART_S
    clock.wait(APART_S)
    assert pace.wait_s() == 0


def test_the_wait_ends_with_the_load() -> None:
    clock = Clock()
    pace = Pace(APART_S, CROWD, clock)
    pace.begins(CROWD)
    clock.wait(APART_S)
    pace.begins(1)
    assert pace.wait_s() == 0


def test_without_a_pace_nobody_waits() -> None:
    AT_ONCE.begins(1000)
    assert AT_ONCE.wait_s() == 0
