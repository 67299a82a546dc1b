"""Healing beside the sweeps: one at a time, and again after a failure."""

from threading import Event

from structlog.testing import capture_logs

from models.errors import ViewUnavailable
from streams.healer import Healer

SOON_S = 10.0


def test_it_heals_once_however_often_it_is_asked_meanwhile() -> None:
    begun, may_end, healed = Event(), Event(), []

    def heal() -> None:
        begun.set()
        may_end.wait(SOON_S)
        healed.append(1)

    healer = Healer(heal)
    healer.start()
    assert begun.wait(SOON_S)
    healer.start()
    may_end.set()
    healer.wait(SOON_S)
    assert healed == [1]


def test_after_a_failure_it_can_be_asked_again() -> None:
    answers = [ViewUnavailable("Redis is away"), None]

    def heal() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    healer = Healer(heal)
    with capture_logs() as logs:
        for _ in range(2):
            healer.start()
            healer.wait(SOON_S)
    assert answers == []
    assert [entry["event"] for entry in logs] == ["healing_failed"]
