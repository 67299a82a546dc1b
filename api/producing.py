"""A producer, and the thread that hears what has become of its records."""

from collections.abc import Callable, Iterable
from threading import Condition, Event, Thread
from typing import Any

from confluent_kafka import KafkaException, Message, Producer

from models.errors import KafkaUnavailable
from streams.kafka import Config

POLL_S = 0.1
FLUSH_S = 5.0
LINGER_MS = 2  # so that the records of one sweep go together, and are read together
# Told of each record, on that thread: an error in words, or None with the message as Kafka has it.
Delivered = Callable[[str | None, Message], None]
Headers = list[tuple[str, bytes]]


class Arrivals:
    """What becomes of some records, heard on the producer's thread and waited for on another. names: by which
    they are told apart."""

    def __init__(self, names: Iterable[str]) -> None:
        self._waiting = set(names)
        self._nothing = not self._waiting
        self._arrived: set[str] = set()
        self._changed = Condition()

    def hear(self, name: str, arrived: bool) -> None:
        with self._changed:
            self._waiting.discard(name)
            if arrived:
                self._arrived.add(name)
            self._changed.notify_all()

    def within(self, within_s: float) -> set[str]:
        """Those that have arrived, as soon as all have been heard of, or after so long.

        Raises:
            KafkaUnavailable: none has, of one or more.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, within_s)
            found = set(self._arrived)
        if not (found or self._nothing):
            raise unavailable("no answer in time")
        return found


class Producing:
    """For any threads at once."""

    def __init__(self, config: Config) -> None:
        # Java's default partitioner, so that a customer's partition does not depend on who produces.
        self._producer = Producer(config | {"partitioner": "murmur2_random", "linger.ms": LINGER_MS})
        self._stop = Event()
        self._thread = Thread(target=self._poll, name="producing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What waits is given some seconds more."""
        self._producer.flush(FLUSH_S)
        self._stop.set()
        self._thread.join()

    def send(
        self,
        topic: str,
        key: str | bytes | None,
        value: bytes | None,
        delivered: Delivered,
        headers: Headers | None = None,
    ) -> None:
        """
        Raises:
            KafkaUnavailable: too much waits already.
        """

        def told(error: Any, message: Message) -> None:
            delivered(None if error is None else str(error), message)

        try:
            self._producer.produce(topic, value, key, headers=headers, on_delivery=told)
        except (BufferError, KafkaException) as error:
            raise unavailable(str(error)) from error

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(POLL_S)


def unavailable(why: str) -> KafkaUnavailable:
    return KafkaUnavailable("Kafka does not take records now", why=why, next_step="send it again")
