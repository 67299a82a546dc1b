"""The records of answers: a transaction, and in its headers the decision under the gateway's signature."""

from collections.abc import Callable, Mapping, Sequence
from threading import Condition, Event, Thread
from typing import Any

from confluent_kafka import KafkaException, Message, Producer

from models.decision import DecidedTransaction
from models.transaction import Transaction
from streams.answered import Answered, Signer
from streams.codecs import encode
from streams.kafka import Config
from streams.ports import Produced

POLL_S = 0.1
FLUSH_S = 5.0
Headers = list[tuple[str, bytes]]


class KafkaAnswerLog:
    """`api.answering.AnswerLog` on a producer of its own.

    topic_id: of the topic as it is now. within_s: how long an answer may wait for Kafka alone.
    """

    def __init__(
        self,
        config: Config,
        topic: str,
        *,
        topic_id: Callable[[], str],
        signer: Signer,
        within_s: float,
    ) -> None:
        # Java's default partitioner, so that a customer's partition does not depend on who produces.
        self._producer = Producer(config | {"partitioner": "murmur2_random", "linger.ms": 0})
        self._topic = topic
        self._topic_id = topic_id
        self._signer = signer
        self._within_s = within_s
        self._places: dict[str, Produced] = {}
        self._told = Condition()
        self._stop = Event()
        self._thread = Thread(target=self._poll, name="answers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What waits is given some seconds more."""
        self._producer.flush(FLUSH_S)
        self._stop.set()
        self._thread.join()

    def send(self, answers: Sequence[Answered]) -> None:
        for each in answers:
            self._produce(each, self._arrived)

    def send_durably(self, answers: Sequence[Answered]) -> set[str]:
        waiting = {each.decided.transaction_id for each in answers}
        written: set[str] = set()

        def told(name: str, place: Produced | None) -> None:
            with self._told:
                waiting.discard(name)
                if place is not None:
                    written.add(name)
                self._told.notify_all()

        for each in answers:
            if not self._produce(each, told):
                told(each.decided.transaction_id, None)
        with self._told:
            self._told.wait_for(lambda: not waiting, self._within_s)
            return set(written)

    def take_places(self) -> Mapping[str, Produced]:
        """Where records have arrived since the last call."""
        with self._told:
            places, self._places = self._places, {}
        return places

    def _arrived(self, name: str, place: Produced | None) -> None:
        if place is not None:
            with self._told:
                self._places[name] = place

    def _produce(self, answered: Answered, told: Callable[[str, Produced | None], None]) -> bool:
        decided = answered.decided
        value = value_of(decided)
        topic_id = self._topic_id()

        def delivered(error: Any, message: Message) -> None:
            place = None if error else Produced(topic_id, message.partition(), message.offset())
            told(decided.transaction_id, place)

        headers: Headers = self._signer.headers(value, answered)
        try:
            self._producer.produce(
                self._topic, value, decided.customer_id.encode(), headers=headers, on_delivery=delivered
            )
        except (BufferError, KafkaException):
            return False  # the row waits in the ledger, and is sent again
        return True

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._producer.poll(POLL_S)


def value_of(decided: DecidedTransaction) -> bytes:
    """The transaction as its caller could have produced it."""
    return encode(Transaction(**{name: getattr(decided, name) for name in Transaction.__struct_fields__}))
