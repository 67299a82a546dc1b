"""The open loop: what is settled, what is forgotten, and a Kafka whose queue is full."""

from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaException

from load.bench import open_loop
from load.bench.open_loop import CommitTimes, OpenLoop, due_at, forget, nowhere, settled, waited
from load.bench.prepared import prepare, prepared
from models.errors import KafkaUnavailable
from tests.unit.load.benches import Stopwatch, few
from tests.unit.load.producers import Delivered


def heard(**by_partition: list[tuple[int, float]]) -> CommitTimes:
    nobody: Any = None
    commits = CommitTimes(nobody)
    commits._heard = {int(name[1:]): notices for name, notices in by_partition.items()}
    return commits


def places(*pairs: tuple[int, int]) -> Any:
    return np.array(pairs, np.int64)


def test_a_stream_is_settled_once_every_partition_has_passed_its_last_record() -> None:
    commits = heard(p0=[(3, 1.0)], p1=[(1, 1.0)])
    assert settled(commits, places((0, 2), (1, 0)))
    assert not settled(commits, places((0, 2), (1, 1)))
    assert not settled(commits, places((0, 2), (2, 0)))


def test_a_record_that_kafka_has_not_placed_yet_is_not_settled() -> None:
    assert not settled(heard(p0=[(9, 1.0)]), nowhere(2))


def test_what_is_forgotten_changes_no_later_answer() -> None:
    commits = heard(p0=[(2, 1.0), (4, 2.0), (6, 3.0)])
    forget(commits, places((0, 0), (0, 3)))
    assert commits._heard == {0: [(4, 2.0), (6, 3.0)]}
    assert waited(commits, np.array([2.5]), places((0, 5))).tolist() == [0.5]


def test_the_last_notice_is_kept_as_it_is_how_far_a_partition_is() -> None:
    commits = heard(p0=[(2, 1.0), (4, 2.0)])
    forget(commits, places((0, 8)))
    assert commits.reached(0) == 4


def test_a_stream_goes_on_where_it_was() -> None:
    whole = due_at(1000, 0, 100)
    assert due_at(1000, 60, 40).tolist() == whole[60:].tolist()
    assert len(np.unique(whole)) == 50  # ticks of 2 ms


class Full:
    """A producer that takes nothing at first; `polls` are how often it was asked to send what it has."""

    def __init__(self, refusals: int, error: Exception) -> None:
        self.refusals, self.error, self.polls, self.taken = refusals, error, 0, 0

    def produce(self, topic: str, value: bytes, key: bytes, on_delivery: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.error
        on_delivery(None, Delivered(topic, 0, self.taken))
        self.taken += 1

    def poll(self, timeout: float) -> None:
        self.polls += 1

    def flush(self, timeout: float) -> int:
        return 3


def loop_on(monkeypatch: pytest.MonkeyPatch, producer: Full) -> OpenLoop:
    monkeypatch.setattr(open_loop, "Producer", lambda config: producer)
    monkeypatch.setattr(open_loop, "time", Stopwatch())
    return OpenLoop({}, "transactions")


def test_it_gathers_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    configs: list[dict[str, Any]] = []
    monkeypatch.setattr(open_loop, "Producer", configs.append)
    OpenLoop({"linger.ms": 5}, "transactions")
    assert configs == [{"linger.ms": 5, "partitioner": "murmur2_random"}]


def test_a_full_queue_makes_records_late_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    producer, found = Full(2, BufferError("queue full")), nowhere(2)
    loop_on(monkeypatch, producer).send([(b"k", b"v")] * 2, np.zeros(2), found)
    assert found.tolist() == [[0, 0], [0, 1]]
    assert producer.polls == 3


def test_a_kafka_that_refuses_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaUnavailable, match="does not take records"):
        loop_on(monkeypatch, Full(1, KafkaException("no"))).send([(b"k", b"v")], np.zeros(1), nowhere(1))


def test_what_kafka_has_not_taken_at_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KafkaUnavailable, match="3 still wait"):
        loop_on(monkeypatch, Full(0, BufferError())).finish()


def test_prepared_records_are_those_of_the_tables(tmp_path: Any) -> None:
    path = tmp_path / "records"
    assert prepare(path, [few(3), few(4)], 5) == 5
    assert list(prepared(path)) == [*open_loop.records_of(few(3)), *open_loop.records_of(few(4))[:2]]
