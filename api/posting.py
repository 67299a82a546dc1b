"""Producing what callers hand over: told to be taken once Kafka has it on all its replicas."""

import asyncio
from threading import Event, Thread
from typing import Any

from confluent_kafka import KafkaException, Message, Producer

from models.errors import KafkaUnavailable
from streams.kafka import Config

POLL_S = 0.1
FLUSH_S = 5.0


class Posting:
    """One producer, and a thread that hears of what has arrived. within_s: how long a caller waits."""

    def __init__(self, config: Config, within_s: float) -> None:
        # Java's default partitioner, so that a customer's partition does not depend on who produces.
        self._producer = Producer(config | {"partitioner": "murmur2_random", "linger.ms": 0})
        self._within_s = within_s
        self._stop = Event()
        self._thread = Thread(target=self._poll, name="posting", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._producer.flush(FLUSH_S)
        self._stop.set()
        self._thread.join()

    async def send(self, topic: str, key: str, value: bytes) -> None:
        """
        Raises:
            KafkaUnavailable: it may or may not have arrived: sending it again does no harm.
        """
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def tell(error: Any) -> None:
            if arrived.done():
                return
            if error is None:
                arrived.set_result(None)
            else:
                arrived.set_exception(_unavailable(str(error)))

        def delivered(error: Any, message: Message) -> None:
            loop.call_soon_threadsafe(tell, error)

        try:
            self._producer.produce(topic, value, key.encode(), on_delivery=delivered)
            await asyncio.wait_for(arrived, self._within_s)
        except TimeoutError:
            raise _unavailable("no answer in time") from None
        except (BufferError, KafkaException) as error:
            raise _unavailable(str(error)) from error

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(POLL_S)


def _unavailable(why: str) -> KafkaUnavailable:
    return KafkaUnavailable("Kafka does not take records now", why=why, next_step="send it again")
