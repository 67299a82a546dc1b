"""Calls that must come back in time."""

from threading import Event

import pytest

from streams.deadline import finish_within


def test_a_call_that_comes_back_is_done() -> None:
    done: list[int] = []
    finish_within(10.0, lambda: done.append(1))
    assert done == [1]


def test_what_a_call_raises_is_raised() -> None:
    def fail() -> None:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        finish_within(10.0, fail)


def test_a_call_that_does_not_come_back_is_left_behind() -> None:
    release = Event()
    with pytest.raises(TimeoutError, match=r"within 0\.01 s"):
        finish_within(0.01, lambda: release.wait(10.0))
    release.set()
