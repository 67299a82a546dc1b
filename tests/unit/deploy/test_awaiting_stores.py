"""Stores that come up late, or not at all: one line for each that is waited for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from deploy.jobs.awaiting_stores import Awaited, await_stores
from deploy.stack.report import Report
from models.errors import Unavailable


@dataclass
class Heard(Report):
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def answering(answers: Iterator[bool]) -> Callable[[], bool]:
    def probe() -> bool:
        if not next(answers):
            raise Unavailable("the port is closed")
        return True

    return probe


def store(name: str, answers: list[bool]) -> Awaited:
    address = f"postgresql://fraud:secret@{name}:5432/fraud_db"
    return Awaited(name, address, f"{name.upper()}_URL", answering(iter(answers)))


def test_a_store_that_is_there_is_not_spoken_of() -> None:
    heard = Heard()
    await_stores([store("redis", [True])], heard, 10, FakeClock())
    assert heard.notes == []


def test_a_store_that_comes_late_is_told_once_when_it_is_waited_for_and_once_when_it_is_there() -> None:
    heard = Heard()
    await_stores([store("redis", [False] * 4 + [True])], heard, 10, FakeClock())
    assert heard.notes == [
        "waiting for redis at postgresql://fraud:****@redis:5432/fraud_db, 10 s at most: the port is closed",
        "redis is ready",
    ]


def test_a_store_that_does_not_come_is_an_error_that_says_which_and_what_to_do() -> None:
    heard, clock = Heard(), FakeClock()
    with pytest.raises(Unavailable) as told:
        await_stores([store("redis", [False] * 99), store("kafka", [True])], heard, 10, clock)
    assert str(told.value) == (
        "redis was not ready within 10 s. the port is closed. Next: start it, or set REDIS_URL to where it is"
    )
    assert 10 <= clock.time <= 11
