"""Latency: from the moment a transaction is due to the moment it is settled, in virtual time."""

from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError

from load.bench import latency, open_loop
from load.bench.latency import Latency, measure_latency
from load.bench.open_loop import CommitTimes
from models.errors import KafkaUnavailable
from tests.unit.load.benches import Stopwatch, few
from tests.unit.load.producers import Delivered


class Bell:
    """Rings what it is told to; then holds its breath until it is let go."""

    def __init__(self, *notices: tuple[int, int]) -> None:
        self.notices = list(notices)
        self.told, self.go = Event(), Event()

    def heard(self, within_s: float) -> Iterator[tuple[int, int]]:
        while self.notices:
            yield self.notices.pop(0)
        self.told.set()
        self.go.wait(10)


def heard(*notices: tuple[int, int]) -> CommitTimes:
    bell: Any = Bell(*notices)
    commits = CommitTimes(bell)
    commits.start()
    assert bell.told.wait(10)
    bell.go.set()
    commits.stop()
    return commits


def test_an_offset_was_settled_when_the_first_notice_went_past_it() -> None:
    commits = heard((0, 3), (1, 1), (0, 5))
    assert (commits.reached(0), commits.reached(1), commits.reached(2)) == (5, 1, 0)
    times = commits.of(0, np.arange(5)).tolist()
    assert times[0] == times[1] == times[2] < times[3] == times[4]
    assert times[0] < commits.of(1, np.array([0]))[0] < times[4]


class Instant:
    """A producer whose records are taken, and settled by `commit`, as soon as they are produced."""

    def __init__(
        self, stopwatch: Stopwatch, stalled_s: tuple[float, float] = (0, 0), bad: bool = False
    ) -> None:
        self.stopwatch, self.bad = stopwatch, bad
        self.stalled_from_s, self.stalled_to_s = stalled_s
        self.settled: list[float] = []

    def __call__(self, config: dict[str, Any]) -> "Instant":
        return self

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Any) -> None:
        error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if self.bad else None
        on_delivery(error, Delivered(topic, 0, len(self.settled)))
        now_s = self.stopwatch.now_s
        stalled = self.stalled_from_s <= now_s < self.stalled_to_s
        self.settled.append((self.stalled_to_s if stalled else now_s) + 0.004)

    def poll(self, timeout: float) -> None: ...

    def flush(self, timeout: float) -> int:
        return 0


class Settled:
    """`CommitTimes` that knows it from the producer."""

    def __init__(self, producer: Instant) -> None:
        self.producer = producer

    def __call__(self, bell: object) -> "Settled":
        return self

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def reached(self, partition: int) -> int:
        return len(self.producer.settled)

    def of(self, partition: int, offsets: Any) -> Any:
        return np.array(self.producer.settled)[offsets]


def latency_of(
    monkeypatch: pytest.MonkeyPatch, stalled_s: tuple[float, float] = (0, 0), bad: bool = False
) -> Latency:
    """20 s of 100 transactions a second after 10 s of warming up, all of it virtual."""
    stopwatch = Stopwatch()
    producer = Instant(stopwatch, stalled_s, bad)
    monkeypatch.setattr(latency, "time", stopwatch)
    monkeypatch.setattr(open_loop, "time", stopwatch)
    monkeypatch.setattr(open_loop, "Producer", producer)
    monkeypatch.setattr(latency, "CommitTimes", Settled(producer))
    bell: Any = None
    return measure_latency({}, bell, "transactions", few(3000), rate=100.0, seconds=20.0, warm_up_s=10.0)


def test_latency_is_from_due_to_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    found = latency_of(monkeypatch)
    assert found.measured == 2000
    # The virtual clock jumps to the moment a record is due, or past it by a hair.
    assert (found.p50_ms, found.p99_ms, found.p999_ms) == pytest.approx((4, 4, 4), abs=0.01)


def test_a_stall_is_charged_to_all_that_it_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of 20: every fortieth transaction waited, the first of them for all of it."""
    found = latency_of(monkeypatch, stalled_s=(1015.0, 1015.5))
    assert found.p50_ms == pytest.approx(4, abs=0.01)
    assert found.p99_ms == pytest.approx(304, abs=15)
    assert found.p999_ms == pytest.approx(484, abs=15)


def test_what_happens_while_it_warms_up_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert latency_of(monkeypatch, stalled_s=(1001.0, 1009.0)).p999_ms == pytest.approx(4, abs=0.01)


def test_a_record_that_kafka_refuses_ends_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaUnavailable, match="did not take all transactions"):
        latency_of(monkeypatch, bad=True)


def test_figures_are_rounded_to_what_they_can_tell() -> None:
    assert Latency(1000.0, 4.5678, 23.999, 80.001, 60_000).rounded() == {
        "rate": 1000.0,
        "p50_ms": 4.57,
        "p99_ms": 24.0,
        "p999_ms": 80.0,
        "transactions": 60_000,
    }
