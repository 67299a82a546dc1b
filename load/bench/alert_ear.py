"""When a subscriber that reads committed records alone saw each alert."""

import time
from collections.abc import Collection, Mapping
from threading import Event, Thread
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, TopicPartition

from models.errors import KafkaUnavailable
from streams.kafka import Config

LISTEN_S = 0.2
LATE_S = 30.0
LOOK_EVERY_S = 0.05


class _Alert(msgspec.Struct):
    transaction_id: str


class AlertEar:
    """Hears what is sent from now on, on a thread of its own, until closed.

    ends: of each partition of the topic, where it begins to listen.
    """

    def __init__(self, config: Config, topic: str, ends: Mapping[int, int]) -> None:
        # Told at once; the end of a partition is no news.
        self._consumer: Any = Consumer(config | {"fetch.wait.max.ms": 500, "enable.partition.eof": False})
        self._consumer.assign([TopicPartition(topic, number, end) for number, end in ends.items()])
        self._stop = Event()
        self._failure: str | None = None
        self._heard: dict[bytes, float] = {}
        self._thread = Thread(target=self._run, name="alert-ear", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def moments(self, wanted: Collection[str]) -> dict[str, float]:
        """When (perf_counter) the alert on each of these transactions was there.

        Raises:
            KafkaUnavailable: one of them does not come.
        """
        deadline = time.perf_counter() + LATE_S
        while True:
            heard = {_id_of(value): moment for value, moment in list(self._heard.items())}
            missing = set(wanted) - heard.keys()
            if not missing:
                return {each: heard[each] for each in wanted}
            if self._failure or time.perf_counter() > deadline:
                why = self._failure or f"that on {min(missing)} among them"
                raise KafkaUnavailable(f"{len(missing):,} alerts do not come", why=why)
            time.sleep(LOOK_EVERY_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(LISTEN_S)
            if message is None:
                continue
            moment = time.perf_counter()
            if (error := message.error()) is None:
                self._heard.setdefault(message.value(), moment)
            elif error.fatal() or error.code() == KafkaError._ALL_BROKERS_DOWN:
                self._failure = error.str()
                return


def _id_of(document: bytes) -> str:
    return msgspec.json.decode(document, type=_Alert).transaction_id
