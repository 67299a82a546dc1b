"""The real client, whose call for offsets forgets its time-out while the group's coordinator is away."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from models.errors import KafkaUnavailable
from streams.alerts import KafkaOutbox
from streams.arrivals import DeadLetter
from streams.offsets import Offsets
from streams.settings import Settings
from tests.integration.streams.mock_cluster import MockCluster, library, mock_cluster

pytestmark = pytest.mark.stack

LETTER = DeadLetter("transactions", "transactions-id", 0, 0, 0, b"key", b"?", "not_json", "no JSON")
OFFSETS = {("transactions", 0): 1}
TIMEOUT_S = 1.0
TRANSACTIONS, GROUP = 1, 2


class Book:
    def __init__(self) -> None:
        self.committed: list[Offsets] = []

    def later(self, offsets: Offsets) -> None:
        raise AssertionError("with a letter there is a transaction")

    def done(self, offsets: Offsets) -> None:
        self.committed.append(offsets)


@pytest.fixture
def cluster() -> Iterator[MockCluster]:
    found = library()
    if found is None:
        pytest.skip("the client's library did not come with its wheel")
    with mock_cluster(found, 2) as cluster:
        cluster.make_topic("transactions")
        cluster.make_topic("transactions.dlq")
        cluster.coordinate("transaction", "g-4", TRANSACTIONS)
        cluster.coordinate("group", "g", GROUP)
        yield cluster


@pytest.fixture
def member(cluster: MockCluster) -> Iterator[Any]:
    consumer = Consumer({"bootstrap.servers": cluster.address, "group.id": "g"})
    yield consumer.consumer_group_metadata()
    consumer.close()


@pytest.fixture
def outbox(cluster: MockCluster) -> KafkaOutbox:
    settings = Settings.model_construct(
        home=Path("/nowhere"),
        slot=4,
        group_id="g",
        kafka_bootstrap_servers=cluster.address,
        kafka_timeout_s=TIMEOUT_S,
        give_up_s=30.0,
    )
    found = KafkaOutbox(settings, Book())
    found.open()
    return found


def test_its_own_time_out_does_not_bring_it_back(
    cluster: MockCluster, outbox: KafkaOutbox, member: Any
) -> None:
    """Once this fails, streams/deadline.py is needed no more."""
    producer = outbox._producer
    producer.begin_transaction()
    cluster.take_down(GROUP)
    call = Thread(
        target=producer.send_offsets_to_transaction,
        args=([TopicPartition("transactions", 0, 1)], member, TIMEOUT_S),
        daemon=True,
    )
    call.start()
    call.join(2 * TIMEOUT_S)
    assert call.is_alive()
    cluster.bring_up(GROUP)
    call.join(30.0)


def test_the_producer_is_left_behind_and_the_next_one_says_all_again(
    cluster: MockCluster, outbox: KafkaOutbox, member: Any
) -> None:
    first, book = outbox._producer, outbox._book
    assert isinstance(book, Book)
    cluster.take_down(GROUP)
    with pytest.raises(KafkaUnavailable, match="does not come back"):
        outbox.publish([], [LETTER], OFFSETS, member)
    assert book.committed == []
    cluster.bring_up(GROUP)
    outbox.publish([], [LETTER], OFFSETS, member)
    assert book.committed == [OFFSETS]
    assert outbox._producer is not first
