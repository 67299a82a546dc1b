"""A double of the client's producer, and a clock to be slept on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError

PARTITIONS = 3


class Delivered:
    """What the client tells of a record that Kafka has taken."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        self._place = (topic, partition, offset)

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._place[2]


@dataclass
class FakeProducer:
    """`confluent_kafka.Producer` as far as we use it; a record's partition is the sum of its key's bytes.

    room: how many records wait at most. refused: values that Kafka does not take. stuck: what waits stays.
    """

    room: int = 1000
    refused: frozenset[bytes] = frozenset()
    stuck: bool = False
    raises: Exception | None = None
    config: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[str, bytes | None, bytes]] = field(default_factory=list)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    waiting: list[Callable[[], None]] = field(default_factory=list)
    flushed: bool = False

    def __call__(self, config: dict[str, Any]) -> "FakeProducer":
        self.config = config
        return self

    def produce(self, topic: str, value: bytes, key: bytes | None, on_delivery: Any) -> None:
        if self.raises is not None:
            raise self.raises
        if len(self.waiting) >= self.room:
            raise BufferError("queue full")
        self.waiting.append(lambda: self._deliver(topic, value, key, on_delivery))

    def poll(self, timeout: float) -> None:
        if not self.stuck:
            waiting, self.waiting = self.waiting, []
            for deliver in waiting:
                deliver()

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        self.flushed = True
        return len(self.waiting)

    def _deliver(self, topic: str, value: bytes, key: bytes | None, on_delivery: Any) -> None:
        if value in self.refused:
            on_delivery(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), None)
            return
        place = (topic, sum(key or b"") % PARTITIONS)
        offset = self.ends.get(place, 0)
        self.ends[place] = offset + 1
        self.log.append((topic, key, value))
        on_delivery(None, Delivered(*place, offset))


@dataclass
class Clock:
    """Virtual seconds; sleeping passes them."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
