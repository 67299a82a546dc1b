import pytest

from deploy.stack.waiting import TimedOut, until
from models.errors import Unavailable


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_the_answer_is_handed_back_as_soon_as_there_is_one() -> None:
    answers, clock = iter([0, None, 7]), FakeClock()
    assert until(lambda: next(answers), within_s=10, clock=clock, every_s=1) == 7
    assert clock.time == 2


def test_unavailable_means_not_yet() -> None:
    attempts: list[int] = []

    def ready() -> bool:
        attempts.append(1)
        if len(attempts) < 3:
            raise Unavailable("not yet")
        return True

    assert until(ready, within_s=10, clock=FakeClock())


def test_the_deadline_ends_the_wait_and_tells_the_last_reason() -> None:
    def ready() -> bool:
        raise Unavailable("the port is closed")

    with pytest.raises(TimedOut, match="the port is closed"):
        until(ready, within_s=3, clock=FakeClock(), every_s=1)


def test_it_asks_at_least_once() -> None:
    assert until(lambda: True, within_s=0, clock=FakeClock())


def test_other_errors_are_not_waited_out() -> None:
    def ready() -> bool:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        until(ready, within_s=3, clock=FakeClock())
