"""The gateway's producer: records that arrive at once, later, unheard, or never."""

from collections.abc import Callable
from typing import NamedTuple, cast

from confluent_kafka import Message

from api.producing import Delivered, Headers, Producing
from load.simulation.kafka import SimulatedKafka
from load.simulation.line import Line
from models.errors import KafkaUnavailable

WAITS, EXPIRES = 0.2, 0.15


class Place(NamedTuple):
    """What is asked of a record that Kafka has."""

    number: int
    at: int

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at


class SimulatedProducing(Producing):
    """`api.producing.Producing`, its thread's work done in turns. waiting: what Kafka does not have yet."""

    def __init__(self, kafka: SimulatedKafka, line: Line) -> None:
        self._kafka = kafka
        self._line = line
        self.waiting: list[Callable[[], None]] = []

    def send(
        self,
        topic: str,
        key: str | bytes | None,
        value: bytes | None,
        delivered: Delivered,
        headers: Headers | None = None,
    ) -> None:
        self._line.before("producing an answer", KafkaUnavailable)

        # What gateways send here has both.
        named = key.encode() if isinstance(key, str) else key or b""

        def arrive() -> None:
            self._arrive(topic, named, value or b"", delivered, headers)

        if not self._kafka.reachable or self._line.happens(WAITS):
            self.waiting.append(arrive)
        else:
            arrive()

    def deliver(self) -> None:
        """What has waited longest arrives, or has waited for too long."""
        self.waiting.pop(0)()

    def _arrive(
        self, topic: str, key: bytes, value: bytes, delivered: Delivered, headers: Headers | None
    ) -> None:
        if not self._kafka.reachable or (self._kafka.drops and self._line.happens(EXPIRES)):
            self._line.note("a record of an answer has waited for too long")
            delivered("it has waited for too long", cast(Message, Place(-1, -1)))
            return
        number = self._kafka.topics[topic].partition_of(key)
        place = Place(number, self._kafka.topics[topic].end(number))
        self._kafka.append(topic, number, key, value, headers)
        self._line.note(f"sends an answer to {topic} {place.number}:{place.at}")
        try:
            self._line.before("hearing of an answer's record", KafkaUnavailable)
        except KafkaUnavailable as error:
            delivered(str(error), cast(Message, place))
        else:
            delivered(None, cast(Message, place))
