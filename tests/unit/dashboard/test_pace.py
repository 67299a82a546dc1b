"""How many a second, from counts by minute that grow."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.pace import Pace


def test_the_first_look_tells_nothing() -> None:
    assert Pace().of({"12:00": 100}, 10.0) is None


def test_it_is_what_was_added_since_over_the_minute_too() -> None:
    pace = Pace()
    pace.of({"12:00": 100}, 58.0)
    assert pace.of({"12:00": 160, "12:01": 40}, 60.0) == 50.0


def test_a_minute_that_has_left_the_window_is_no_loss() -> None:
    pace = Pace()
    pace.of({"11:58": 500, "11:59": 500, "12:00": 10}, 1.0)
    assert pace.of({"11:59": 500, "12:00": 30}, 2.0) == 20.0


@given(st.integers(0, 5000), st.integers(3, 30))
def test_a_steady_stream_has_its_own_pace(per_second: int, looks: int) -> None:
    pace, told = Pace(), None
    for second in range(looks):
        total = per_second * second
        told = pace.of({"12:00": total}, float(second))
    assert told == per_second


def test_several_who_look_at_once_do_not_disturb_each_other() -> None:
    pace = Pace()
    pace.of({"12:00": 0}, 0.0)
    assert pace.of({"12:00": 100}, 1.0) == pace.of({"12:00": 100}, 1.0) == 100.0


def test_after_a_gap_it_begins_anew() -> None:
    pace = Pace()
    pace.of({"12:00": 0}, 0.0)
    assert pace.of({"12:30": 90}, 1800.0) is None
