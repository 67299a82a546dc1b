"""Producing documents: as fast as Kafka takes them or each when it is due, and where they ended up."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from confluent_kafka import KafkaException, Message, Producer
from numpy.typing import NDArray

from models.errors import KafkaUnavailable
from streams.kafka import Config
from streams.offsets import Place

BURST_S = 0.005
FLUSH_S = 60.0


class Pusher:
    """Produces, and knows the offset that each partition has reached.

    clock, sleep: seconds, for records that are due at a time. Not for several threads at once.
    """

    def __init__(self, config: Config, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        # Java's default partitioner, so that a customer's partition does not depend on who produces.
        self._producer = Producer(config | {"partitioner": "murmur2_random", "linger.ms": 5})
        self._clock = clock
        self._sleep = sleep
        self._failures: list[str] = []
        self.reached: dict[Place, int] = {}

    def send(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        due_s: NDArray[np.float64] | None = None,
        progress: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Produce all, then wait until Kafka has them.

        due_s: when each is due, in seconds from now, ascending; None for all at once.

        Raises:
            KafkaUnavailable: Kafka did not take one of them.
        """
        started, sent, reported = self._clock(), 0, 0
        while sent < len(values):
            due = len(values)
            if due_s is not None:
                due = int(np.searchsorted(due_s, self._clock() - started + BURST_S))
            for index in range(sent, due):
                self._produce(topic, keys[index], values[index])
            sent = max(sent, due)
            self._producer.poll(0)
            if due_s is not None:
                self._sleep(BURST_S)
            progress(sent - reported)
            reported = sent
        self.flush()

    def flush(self) -> None:
        try:
            waiting = self._producer.flush(FLUSH_S)
        except SystemError:
            # What the client makes of a Ctrl-C that comes while it waits.
            raise KeyboardInterrupt from None
        if waiting or self._failures:
            why = self._failures[0] if self._failures else f"{waiting} records still wait"
            raise KafkaUnavailable("Kafka did not take all records", why=why, next_step="fraudml status")

    def _produce(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered)
                return
            except BufferError:
                self._producer.poll(0.1)
            except KafkaException as error:
                raise KafkaUnavailable("Kafka does not take records", why=str(error)) from error

    def _delivered(self, error: Any, message: Message) -> None:
        if error is not None:
            self._failures.append(error.str())
            return
        place = (message.topic(), message.partition())
        self.reached[place] = max(self.reached.get(place, 0), message.offset() + 1)
