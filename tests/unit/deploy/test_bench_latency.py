"""Latency of several rates: medians over runs, and what is said where a rate was too high."""

from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from deploy.jobs.bench_latency import HISTOGRAM, Run, figures
from load.bench import alert_ear
from load.bench.alert_ear import AlertEar
from load.bench.histogram import encoded
from models.errors import KafkaUnavailable
from tests.unit.load.benches import Stopwatch


def run(p50_ms: float, alerts_ms: list[float]) -> Run:
    """Of a hundred transactions all but two took `p50_ms`."""
    decided = np.array([p50_ms] * 98 + [p50_ms * 10] * 2) / 1000
    return Run(decided, np.array(alerts_ms) / 1000)


def test_figures_are_medians_over_the_runs() -> None:
    found = figures(1000.0, [run(4, [9.0]), run(9, [30.0]), run(5, [12.0, 14.0])])
    assert (found["p50_ms"], found["p99_ms"]) == pytest.approx((5, 50), rel=0.01)
    assert (found["least_p99_ms"], found["greatest_p99_ms"]) == pytest.approx((40, 90), rel=0.01)
    assert (found["alert_p50_ms"], found["alerts"], found["transactions"]) == (13, 4, 300)
    assert (found["runs"], found["held"]) == (3, 3)


def test_a_rate_that_one_run_could_not_hold_has_no_percentiles() -> None:
    found = figures(10_000.0, [run(4, [9.0]), None])
    assert (found["runs"], found["held"], found["p99_ms"], found["alert_p99_ms"]) == (2, 1, None, None)


def test_without_an_alert_nothing_is_said_of_alerts() -> None:
    found = figures(1000.0, [run(4, [9.0]), run(4, [])])
    assert (found["alert_p99_ms"], found["alerts"], found["p50_ms"]) == (None, 1, 4)


def test_the_histogram_is_one_that_its_tools_read_and_is_not_corrected() -> None:
    text = figures(1000.0, [run(4, [9.0]), run(4, [9.0])])[HISTOGRAM]
    read = HdrHistogram.decode(text)
    assert read.get_total_count() == 200
    assert read.get_value_at_percentile(50) == pytest.approx(4000, rel=0.001)
    assert read.get_value_at_percentile(99.9) == pytest.approx(40_000, rel=0.001)


def test_a_wait_beyond_the_histogram_is_its_greatest() -> None:
    read = HdrHistogram.decode(encoded(np.array([1e6])))
    assert read.get_max_value() == pytest.approx(600_000_000, rel=0.001)


# Alerts, as they are heard.


class Message:
    def __init__(self, transaction_id: str, error: Any = None) -> None:
        self._value = b'{"alert_id":"a","transaction_id":"%s"}' % transaction_id.encode()
        self._error = error

    def value(self) -> bytes:
        return self._value

    def error(self) -> Any:
        return self._error


class Broken:
    def fatal(self) -> bool:
        return True

    def str(self) -> str:
        return "fenced"


class Consumer:
    """Hears each message at one virtual second after the one before; then nothing more."""

    def __init__(self, messages: list[Message], stopwatch: Stopwatch) -> None:
        self.messages, self.stopwatch, self.closed = messages, stopwatch, False
        self.config: dict[str, Any] = {}

    def __call__(self, config: dict[str, Any]) -> "Consumer":
        self.config = config
        return self

    def assign(self, partitions: list[Any]) -> None:
        self.assigned = [(each.topic, each.partition, each.offset) for each in partitions]

    def poll(self, timeout: float) -> Message | None:
        if not self.messages:
            return None
        self.stopwatch.now_s += 1
        return self.messages.pop(0)

    def close(self) -> None:
        self.closed = True


def ear_on(monkeypatch: pytest.MonkeyPatch, *messages: Message) -> tuple[AlertEar, Consumer]:
    stopwatch = Stopwatch()
    consumer = Consumer(list(messages), stopwatch)
    monkeypatch.setattr(alert_ear, "Consumer", consumer)
    monkeypatch.setattr(alert_ear, "time", stopwatch)
    return AlertEar({"isolation.level": "read_committed"}, "alerts", {0: 7, 1: 0}), consumer


def heard_all(ear: AlertEar, count: int) -> None:
    while len(ear._heard) < count:
        ear._thread.join(0.01)


def test_an_alert_was_there_when_it_was_first_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, consumer = ear_on(monkeypatch, Message("one"), Message("two"), Message("one"))
    heard_all(ear, 2)
    assert ear.moments(["one", "two"]) == {"one": 1001.0, "two": 1002.0}
    ear.close()
    assert consumer.closed
    assert consumer.config["isolation.level"] == "read_committed"
    assert consumer.assigned == [("alerts", 0, 7), ("alerts", 1, 0)]


def test_an_alert_that_does_not_come_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, _ = ear_on(monkeypatch, Message("one"))
    heard_all(ear, 1)
    with pytest.raises(KafkaUnavailable, match=r"1 alerts do not come.*that on two among them"):
        ear.moments(["one", "two"])
    ear.close()


def test_a_subscriber_that_was_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    ear, _ = ear_on(monkeypatch, Message("one", Broken()))
    ear._thread.join(10)
    with pytest.raises(KafkaUnavailable, match="fenced"):
        ear.moments(["one"])
    ear.close()
