"""Topics that a reconciliation reads, once as a double and once in Kafka."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from load.doubles import FakeTopics
from streams.kafka import producer_config, reader_config
from streams.log_reader import LogReader
from streams.reconcile.ports import Topics
from streams.settings import Settings
from tests.builders import BROKER_MS

WAIT_S = 30.0
NAME = "transactions"


class TopicWorld(Protocol):
    """A topic with two partitions."""

    topic: str

    @property
    def topics(self) -> Topics: ...

    def produce(self, partition: int, *values: bytes) -> None: ...

    def abort(self, partition: int, *values: bytes) -> None:
        """Produce in a transaction that is given up."""

    def open(self, partition: int, *values: bytes) -> Any:
        """Produce in a transaction, and leave it open until what is given back is committed."""

    def commit(self, partition: int, offset: int) -> None:
        """The group commits an offset."""


@dataclass
class FakeTopicWorld:
    topic: str = NAME
    topics: FakeTopics = field(default_factory=lambda: FakeTopics({NAME: {0: [], 1: []}}))

    def produce(self, partition: int, *values: bytes) -> None:
        for value in values:
            self._append(partition, value)

    def abort(self, partition: int, *values: bytes) -> None:
        self.topics.logs[NAME][partition] += [None] * (len(values) + 1)

    def open(self, partition: int, *values: bytes) -> "OpenTransaction":
        self.produce(partition, *values)
        self.topics.open[NAME, partition] = len(values)
        return OpenTransaction(self.topics, partition)

    def commit(self, partition: int, offset: int) -> None:
        self.topics.offsets[NAME, partition] = offset

    def _append(self, partition: int, value: bytes) -> None:
        log = self.topics.logs[NAME][partition]
        at_ms = BROKER_MS + 1000 * len(log)
        log.append(
            Message(topic=NAME, partition=partition, offset=len(log), value=value, timestamp=(1, at_ms))
        )


@dataclass
class OpenTransaction:
    topics: FakeTopics
    partition: int

    def commit_transaction(self) -> None:
        self.topics.open.pop((NAME, self.partition), None)
        self.topics.logs[NAME][self.partition].append(None)


class RealTopicWorld:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topic = settings.transactions_topic
        self.topics = LogReader(reader_config(settings, settings.group_id), WAIT_S)
        self._producer = Producer(producer_config(settings, "test"))
        self._transactions = 0

    def produce(self, partition: int, *values: bytes) -> None:
        _send(self._producer, self.topic, partition, values)

    def abort(self, partition: int, *values: bytes) -> None:
        producer = self._begun()
        _send(producer, self.topic, partition, values)
        producer.abort_transaction(WAIT_S)

    def open(self, partition: int, *values: bytes) -> Any:
        producer = self._begun()
        _send(producer, self.topic, partition, values)
        return producer

    def commit(self, partition: int, offset: int) -> None:
        member = Consumer(reader_config(self._settings, self._settings.group_id))
        try:
            member.commit(offsets=[TopicPartition(self.topic, partition, offset)], asynchronous=False)
        finally:
            member.close()

    def _begun(self) -> Any:
        self._transactions += 1
        name = f"{self.topic}-{self._transactions}"
        producer = Producer(producer_config(self._settings, "test") | {"transactional.id": name})
        producer.init_transactions(WAIT_S)
        producer.begin_transaction()
        return producer

    def close(self) -> None:
        self.topics.close()


def _send(producer: Any, topic: str, partition: int, values: tuple[bytes, ...]) -> None:
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(WAIT_S) == 0


@contextmanager
def real_topics(settings: Settings) -> Iterator[RealTopicWorld]:
    world = RealTopicWorld(settings)
    try:
        yield world
    finally:
        world.close()
