"""Throughput: what its figures are made of, on doubles that hold still, and how progress is watched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from load.bench import progress_watch
from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import Throughput, measure_backlog, middle, warm_up
from load.bench.worker_process import WorkerProcess
from models.errors import Unavailable
from tests.unit.load.benches import Stopwatch, few


class Bench:
    """Worker, watch and pusher in one: a worker that settles 1,000 records a virtual second once it runs."""

    RATE = 1000.0

    def __init__(self, head_start: int = 1) -> None:
        self.head_start = head_start  # records settled before the first look
        self.pushed = self.settled = 0
        self.time_s = 0.0
        self.running = False
        self.story: list[str] = []

    def start(self) -> None:
        self.running = True
        self.story.append("start")

    def stop(self) -> int:
        self.running = False
        self.story.append("stop")
        return 0

    def check(self) -> None:
        assert self.running

    def send(self, topic: str, keys: list[bytes], values: list[bytes]) -> None:
        assert len(keys) == len(values)
        self.pushed += len(values)
        self.story.append(f"push {len(values)}")

    def total(self) -> int:
        return self.settled

    def wait(self, count: int, check: Callable[[], None]) -> float:
        check()
        assert count <= self.pushed
        ahead = max(count, min(self.settled + self.head_start, self.pushed))
        self.time_s += (ahead - self.settled) / self.RATE
        self.settled = ahead
        return self.time_s

    def cpu_s(self) -> dict[str, float]:
        return {"worker": self.settled * 15e-6, "postgres": self.settled * 12e-6}

    def rss_mb(self) -> float:
        return 100.0 + self.settled / 1000


def measured(bench: Bench, count: int) -> Throughput:
    parts: Any = bench
    warm_up(parts, parts, parts, "transactions", few(200))
    return measure_backlog(parts, parts, parts, parts, "transactions", few(count))


@pytest.mark.parametrize("head_start", [1, 400])
def test_throughput_is_that_of_the_backlog_alone_from_its_first_settled_sweep(head_start: int) -> None:
    found = measured(Bench(head_start), count=2000)
    assert found.tx_per_s == pytest.approx(Bench.RATE)
    assert found.cpu_us_per_tx == pytest.approx({"worker": 15, "postgres": 12})
    assert found.transactions == 2000 - head_start


def test_the_backlog_gathers_while_the_worker_is_stopped() -> None:
    bench = Bench()
    measured(bench, count=500)
    assert bench.story == ["start", "push 200", "stop", "push 500", "start"]


def test_memory_is_read_half_way_and_at_the_end() -> None:
    found = measured(Bench(), count=2000)
    assert (found.worker_rss_mb_half_way, found.worker_rss_mb) == pytest.approx((101.2, 102.2))


def test_figures_are_rounded_to_what_they_can_tell() -> None:
    used = {"worker": 15.449, "kafka": 3.02}
    assert Throughput(31_234.56, used, 123.456, 120.01, 200_000).document() == {
        "tx_per_s": 31234.6,
        "worker_cpu_us_per_tx": 15.4,
        "kafka_cpu_us_per_tx": 3.0,
        "all_cpu_us_per_tx": 18.5,
        "worker_rss_mb": 123.5,
        "worker_rss_mb_half_way": 120.0,
        "transactions": 200_000,
    }


def test_of_several_runs_medians_are_told_and_the_range_of_the_rate() -> None:
    found = middle([Throughput(rate, {"worker": 400 / rate}, 100, 90, 500) for rate in (20.0, 40.0, 25.0)])
    assert (found["tx_per_s"], found["worker_cpu_us_per_tx"]) == (25, 16)
    assert (found["least_tx_per_s"], found["greatest_tx_per_s"], found["runs"]) == (20, 40, 3)


# Watching.


class Connection:
    """A ledger whose progress grows by so many at each look."""

    def __init__(self, per_look: int) -> None:
        self.per_look, self.reached, self.closed = per_look, 0, False

    def execute(self, query: str, parameters: list[str]) -> "Connection":
        self.reached += self.per_look
        return self

    def fetchall(self) -> list[tuple[int, int]]:
        return [(0, self.reached), (1, 10)]

    def close(self) -> None:
        self.closed = True


def watch_over(monkeypatch: pytest.MonkeyPatch, per_look: int) -> tuple[ProgressWatch, Stopwatch, Connection]:
    connection, stopwatch = Connection(per_look), Stopwatch()
    monkeypatch.setattr("psycopg.connect", lambda *values, **named: connection)
    monkeypatch.setattr(progress_watch, "time", stopwatch)
    return ProgressWatch("postgresql://", "transactions"), stopwatch, connection


def test_progress_is_summed_over_partitions_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, stopwatch, connection = watch_over(monkeypatch, per_look=5)
    assert watch.wait(110, check=lambda: None, every_s=0.5) == stopwatch.now_s
    assert stopwatch.now_s == pytest.approx(1000 + 19 * 0.5)
    watch.close()
    assert connection.closed


def test_progress_that_stands_still_for_a_minute_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, stopwatch, _ = watch_over(monkeypatch, per_look=0)
    with pytest.raises(Unavailable, match="stands still at 10 of 1,000 records"):
        watch.wait(1000, check=lambda: None, every_s=0.5)
    assert stopwatch.now_s == pytest.approx(1060, abs=1)


def test_a_worker_that_has_ended_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    watch, stopwatch, _ = watch_over(monkeypatch, per_look=1)
    (tmp_path / "log").write_text("one\ntwo\nthree\nno Kafka there\n")
    never_started = WorkerProcess({}, tmp_path / "log")
    with pytest.raises(Unavailable, match=r"the worker has ended\. two / three / no Kafka there"):
        watch.wait(1000, check=never_started.check, every_s=0.5)
    assert stopwatch.now_s == 1000
    assert never_started.stop() == 0
