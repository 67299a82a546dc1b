"""The thread that sends: patient while Kafka is away, and never past what it was refused."""

import random
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity
from prometheus_client import CollectorRegistry

from models.errors import AssignmentLost, KafkaUnavailable, SlotTaken
from streams.insistence import Insistence
from streams.metrics import Metrics
from streams.sender import Sender
from streams.watchdog import Watchdog
from tests.unit.streams.virtual_time import Clock, Stop

GIVE_UP_S = 300.0
LANE = 2


class Turns:
    """What is to go out: fails as told, then nothing is left. `waits` may be set from another thread."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.taken = 0
        self.given_up = False
        self.waits = Event()

    def __len__(self) -> int:
        return self.waits.is_set()

    def await_one(self, within_s: float) -> None:
        self.waits.wait(within_s)

    def give_up(self) -> None:
        self.given_up = True

    def turn(self) -> None:
        self.taken += 1
        if self.failures:
            raise self.failures.pop(0)
        self.waits.clear()


class Sending:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *failures: Exception) -> None:
        random.seed(7)
        self.clock = Clock()
        stop: Any = Stop(self.clock)
        self.stop = stop
        self.metrics = Metrics(CollectorRegistry())
        self.watchdog = Watchdog(30.0, lambda: None, clock=self.clock)
        self.turns = Turns(*failures)
        self.refused: list[str] = []
        self.failed: list[BaseException] = []
        self.ended = Event()
        monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=self.clock))
        insist = Insistence(
            metrics=self.metrics,
            watchdog=self.watchdog,
            stop=self.stop,
            give_up_s=GIVE_UP_S,
            lane=LANE,
            what="publishing",
        )
        outbound: Any = self.turns
        self.sender = Sender(
            outbound,
            insist,
            stop=self.stop,
            refused=lambda: self.refused.append("refused"),
            failed=self._fail,
        )

    def _fail(self, error: BaseException) -> None:
        self.failed.append(error)
        self.ended.set()

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


def away(times: int) -> list[Exception]:
    return [KafkaUnavailable("away")] * times


def test_it_waits_for_kafka_and_is_alive_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(monkeypatch, *away(20))
    seen: list[tuple[float, bool]] = []

    def look() -> None:
        sending.watchdog.heard(1)
        seen.append((sending.metric("fraud_degraded_mode"), sending.watchdog.is_stuck()))
        sending.clock.after(5.0, look)

    sending.clock.after(0.1, look)
    sending.sender.turn()
    assert (sending.turns.taken, set(seen)) == (21, {(1.0, False)})
    assert sending.metric("fraud_degraded_mode") == 0.0


def test_a_turn_that_hangs_is_noticed_though_lanes_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(monkeypatch)
    stuck: list[bool] = []

    def hang() -> None:
        for _ in range(31):
            sending.clock.wait(1.0)
            sending.watchdog.heard(0)
            sending.watchdog.ended(0)
        stuck.append(sending.watchdog.is_stuck())

    monkeypatch.setattr(sending.turns, "turn", hang)
    sending.sender.turn()
    assert (stuck, sending.watchdog.is_stuck()) == ([True], False)


def test_of_a_refusal_the_poller_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(monkeypatch, *away(2), AssignmentLost("moved"))
    sending.sender.turn()
    assert (sending.turns.taken, sending.refused) == (3, ["refused"])
    assert sending.metric("fraud_sweeps_refused_total", reason="assignment_lost") == 1
    assert sending.metric("fraud_degraded_mode") == 0.0


def test_after_five_minutes_it_gives_up_for_its_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(monkeypatch, *away(1000))
    with pytest.raises(KafkaUnavailable):
        sending.sender.turn()
    assert sending.clock.now_s >= GIVE_UP_S


def test_a_worker_told_to_go_waits_no_longer_and_leaves_the_rest_to_be_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sending = Sending(monkeypatch, *away(1000))
    sending.clock.after(10.0, sending.stop.set)
    sending.sender.turn()
    assert (sending.clock.now_s, sending.refused, sending.failed) == (10.0, [], [])
    assert sending.turns.given_up


@pytest.mark.parametrize("failure", [SlotTaken("another worker"), ZeroDivisionError()], ids=repr)
def test_what_waiting_cannot_mend_ends_the_thread_and_is_told(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    sending = Sending(monkeypatch, failure)
    sending.turns.waits.set()
    sending.sender.start()
    assert sending.ended.wait(10.0)
    assert sending.failed == [failure]
    sending.sender.close()


def test_it_sends_what_comes_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = Sending(monkeypatch)
    came = Event()
    turn = sending.turns.turn

    def noted() -> None:
        turn()
        came.set()

    monkeypatch.setattr(sending.turns, "turn", noted)
    sending.sender.start()
    sending.turns.waits.set()
    assert came.wait(10.0)
    sending.sender.close()
    assert (sending.turns.taken, sending.failed) == (1, [])


def test_one_that_was_never_begun_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    Sending(monkeypatch).sender.close()
