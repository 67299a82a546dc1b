"""The pusher: all of it arrives, at the times that were asked for, or somebody is told."""

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from load.producer import BURST_S, Pusher
from load.shapes import Kind, Shape
from models.errors import KafkaUnavailable
from tests.unit.load.producers import PARTITIONS, Clock, FakeProducer

keys = st.lists(st.none() | st.binary(min_size=1, max_size=3), max_size=40)


def pusher_over(producer: FakeProducer) -> tuple[Pusher, Clock]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("load.producer.Producer", producer)
        return Pusher({"bootstrap.servers": "here"}, clock=clock, sleep=clock.sleep), clock


def values_of(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


@given(keys, st.integers(1, 50))
def test_everything_arrives_in_order_with_its_key_however_little_room_there_is(
    keys: list[bytes | None], room: int
) -> None:
    producer = FakeProducer(room=room)
    pusher, _ = pusher_over(producer)
    pusher.send("topic", keys, values_of(len(keys)))
    assert producer.log == [("topic", key, b"%d" % number) for number, key in enumerate(keys)]
    assert producer.flushed


@given(keys, keys)
def test_it_knows_how_far_each_partition_has_come_over_several_sends(
    first: list[bytes | None], second: list[bytes | None]
) -> None:
    producer = FakeProducer()
    pusher, _ = pusher_over(producer)
    pusher.send("one", first, values_of(len(first)))
    pusher.send("two", second, values_of(len(second)))
    pusher.send("one", second, values_of(len(second)))
    assert pusher.reached == producer.ends
    assert all(partition < PARTITIONS for _, partition in pusher.reached)


def test_a_customers_partition_does_not_depend_on_who_produces() -> None:
    """Java's default partitioner; librdkafka's own is another."""
    producer = FakeProducer()
    pusher_over(producer)
    assert producer.config["partitioner"] == "murmur2_random"
    assert producer.config["bootstrap.servers"] == "here"


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(("rate", "count"), [(100.0, 500), (1000.0, 2500), (3.0, 10)])
def test_at_every_moment_so_many_are_sent_as_are_due(kind: Kind, rate: float, count: int) -> None:
    due_s = Shape(kind, rate, period_s=2.0).due_s(0, count)
    producer = FakeProducer()
    pusher, clock = pusher_over(producer)
    seen: list[tuple[float, int]] = []

    def note(_: int) -> None:
        seen.append((clock.now_s, len(producer.log)))

    pusher.send("topic", [b"k"] * count, values_of(count), due_s, note)
    # Noted after each sleep: by then the next burst is not sent yet.
    assert all(np.count_nonzero(due_s < now_s - 1e-9) <= sent for now_s, sent in seen[:-1])
    assert all(np.count_nonzero(due_s < now_s + BURST_S) >= sent for now_s, sent in seen[:-1])
    assert clock.now_s == pytest.approx(due_s[-1], abs=2 * BURST_S)
    assert len(producer.log) == count


def test_without_a_rate_nobody_sleeps() -> None:
    pusher, clock = pusher_over(FakeProducer())
    pusher.send("topic", [b"k"] * 100, values_of(100))
    assert clock.now_s == 0


@pytest.mark.parametrize("due_s", [None, np.arange(77) / 50.0])
def test_progress_adds_up_to_what_was_sent(due_s: NDArray[np.float64] | None) -> None:
    pusher, _ = pusher_over(FakeProducer())
    counted: list[int] = []
    pusher.send("topic", [b"k"] * 77, values_of(77), due_s, counted.append)
    assert sum(counted) == 77


def test_nothing_to_send_is_sent_at_once() -> None:
    pusher, _ = pusher_over(FakeProducer())
    pusher.send("topic", [], [], due_s=np.empty(0))
    assert pusher.reached == {}


def test_a_record_that_kafka_refuses_is_told_with_its_reason() -> None:
    pusher, _ = pusher_over(FakeProducer(refused=frozenset({b"1"})))
    with pytest.raises(KafkaUnavailable, match=r"did not take all records\. .*too large") as refused:
        pusher.send("topic", [b"k"] * 3, values_of(3))
    assert refused.value.retry


def test_records_that_still_wait_after_a_minute_are_told() -> None:
    pusher, _ = pusher_over(FakeProducer(stuck=True))
    with pytest.raises(KafkaUnavailable, match="3 records still wait"):
        pusher.send("topic", [b"k"] * 3, values_of(3))


def test_the_clients_own_exception_ends_here() -> None:
    pusher, _ = pusher_over(FakeProducer(raises=KafkaException(KafkaError(KafkaError._FATAL))))
    with pytest.raises(KafkaUnavailable, match="Kafka does not take records"):
        pusher.send("topic", [b"k"], [b"v"])
