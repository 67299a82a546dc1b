"""A request's time: it only gets less, and what cannot be done in it is not begun."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.deadline import SHARES, TOTAL_S, Deadline
from models.errors import NoTimeLeft, Unavailable
from tests.unit.streams.virtual_time import Clock


def test_the_time_that_passes_is_taken_from_the_budget() -> None:
    clock = Clock()
    deadline = Deadline(0.25, clock)
    clock.now_s = 0.1
    assert deadline.remaining_s() == pytest.approx(0.15)
    clock.now_s = 9.0
    assert deadline.remaining_s() == 0


def test_a_call_gets_what_it_asks_for_but_never_more_than_remains() -> None:
    clock = Clock()
    deadline = Deadline(0.25, clock)
    assert deadline.take(0.08) == 0.08
    clock.now_s = 0.2
    assert deadline.take(0.08) == pytest.approx(0.05)


def test_a_call_that_needs_more_than_remains_is_skipped() -> None:
    clock = Clock()
    deadline = Deadline(0.25, clock)
    clock.now_s = 0.2
    with pytest.raises(NoTimeLeft, match="50 ms are left for a call that needs 60 ms"):
        deadline.take(0.08, needs_s=0.06)
    assert deadline.take(0.08, needs_s=0.04) == pytest.approx(0.05)


def test_once_the_time_is_over_nothing_is_begun_however_little_it_needs() -> None:
    clock = Clock()
    deadline = Deadline(0.25, clock)
    clock.now_s = 0.25
    with pytest.raises(NoTimeLeft):
        deadline.take(0.08)


def test_the_steps_of_the_default_budget_are_those_of_the_design_and_leave_some_for_the_answer() -> None:
    deadline = Deadline(TOTAL_S, Clock())
    shares_ms = {name: round(deadline.share(name) * 1000) for name in SHARES}
    assert shares_ms == {"admit": 20, "features": 30, "score": 30, "ledger": 80, "produce": 60}
    assert sum(shares_ms.values()) == 250 - 30


def test_a_step_is_skipped_when_its_share_is_less_than_it_needs() -> None:
    with pytest.raises(NoTimeLeft):
        Deadline(TOTAL_S, Clock()).share("features", needs_s=0.031)


def test_whoever_does_without_a_dependency_that_failed_does_without_one_that_was_skipped() -> None:
    assert issubclass(NoTimeLeft, Unavailable)


@given(st.floats(0.001, 10), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 2)), max_size=20))
def test_no_call_may_outlast_the_deadline(total_s: float, calls: list[tuple[float, float]]) -> None:
    """Whatever is asked for, and though every call takes all that it was given."""
    clock = Clock()
    deadline = Deadline(total_s, clock)
    for pause_s, at_most_s in calls:
        clock.now_s += pause_s
        try:
            clock.now_s += deadline.take(at_most_s)
        except NoTimeLeft:
            assert at_most_s == 0 or clock.now_s >= total_s
        else:
            assert clock.now_s <= total_s * (1 + 1e-9)
