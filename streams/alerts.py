"""Going out: alerts, dead letters and offsets in one Kafka transaction: seen once, or not at all."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from confluent_kafka import KafkaException, Producer, TopicPartition
from tenacity import RetryError

from models.decision import DecidedTransaction, alert_of
from models.errors import AssignmentLost, KafkaUnavailable, OutcomeUnknown, SlotTaken
from streams.arrivals import EXPIRED_HEADER, DeadLetter
from streams.codecs import encode
from streams.dead_letters import headers_of
from streams.deadline import finish_within
from streams.kafka import error_of, our_errors, outbox_config, patience, words_of
from streams.offsets import NOT_OURS, Offsets
from streams.ports import ParkedLabel
from streams.settings import Settings

# What the client is given beyond its own time-out.
GRACE_S = 1.0


class CommitBook(Protocol):
    """Where offsets go that need no transaction."""

    def later(self, offsets: Offsets) -> None:
        """Commit these plainly, before long."""

    def done(self, offsets: Offsets) -> None:
        """These are committed: nothing older may be."""


class KafkaOutbox:
    """`streams.ports.Outbox` on one transactional producer. Not for several threads at once.

    One `transactional.id` for each worker slot: a new worker in the slot fences the old one.
    """

    def __init__(self, settings: Settings, book: CommitBook) -> None:
        self._settings = settings
        self._book = book
        self._timeout_s = settings.kafka_timeout_s
        self._producer: Any = None

    def open(self) -> None:
        """Fence whoever had this slot before, and settle what it left open."""
        producer = Producer(outbox_config(self._settings))
        with our_errors("begin the worker's transactions"):
            self._insist(lambda: producer.init_transactions(self._timeout_s), "begin")
        self._producer = producer

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Offsets,
        group: Any,
    ) -> None:
        if not alerts and not dead:
            self._book.later(offsets)
            return
        self._transact(lambda: self._fill(alerts, dead, offsets, group))
        self._book.done(offsets)

    def _fill(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Offsets,
        group: Any,
    ) -> None:
        self._say(alerts, dead)
        positions = [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]
        send, within_s = self._producer.send_offsets_to_transaction, self._timeout_s
        try:
            # The client forgets this time-out where the coordinator it knew has left the cluster's metadata,
            # as a broker does that starts again (librdkafka issues 5456 and 5511).
            finish_within(within_s + GRACE_S, lambda: send(positions, group, within_s))
        except TimeoutError as error:
            # The next transaction begins with a new producer: it fences this one and settles what it began.
            self._producer = None
            raise KafkaUnavailable(
                "Kafka's client does not come back with offsets", why=str(error)
            ) from error

    def _say(self, alerts: Sequence[DecidedTransaction], dead: Sequence[DeadLetter]) -> None:
        for decided in alerts:
            key = decided.customer_id.encode()
            self._produce(self._settings.alerts_topic, key, encode(alert_of(decided)))
        for letter in dead:
            topic = self._settings.dead_letter_topic(letter.topic)
            self._produce(topic, letter.key, letter.value, headers_of(letter))

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        def fill() -> None:
            for label in labels:
                headers = {EXPIRED_HEADER: b"true"} if label.expired else None
                self._produce(self._settings.labels_topic, label.key, label.value, headers)

        self._transact(fill)

    def _produce(
        self, topic: str, key: bytes | None, value: bytes | None, headers: dict[str, bytes] | None = None
    ) -> None:
        try:
            self._producer.produce(topic, key=key, value=value, headers=headers)
        except BufferError:
            self._producer.poll(self._timeout_s)
            self._producer.produce(topic, key=key, value=value, headers=headers)

    def _transact(self, fill: Callable[[], None]) -> None:
        """One transaction: committed, or aborted and raised."""
        if self._producer is None:
            self.open()
        try:
            self._producer.begin_transaction()
            fill()
        except (KafkaException, BufferError) as error:
            self._give_up(error)
        try:
            # Calling commit again on the same transaction settles an answer that got lost.
            self._insist(lambda: self._producer.commit_transaction(self._timeout_s), "commit")
        except KafkaException as error:
            self._give_up(error)

    def _insist(self, call: Callable[[], None], what: str) -> None:
        """Call until Kafka has answered.

        Raises:
            OutcomeUnknown: it did not, for as long as a worker waits for anything.
        """
        try:
            patience(self._settings.give_up_s)(call)
        except RetryError as error:
            raise OutcomeUnknown(
                f"Kafka did not say whether it could {what} a transaction",
                why=words_of(error.last_attempt.exception()),
                next_step="the restarted worker settles it",
            ) from error

    def _give_up(self, error: Exception) -> None:
        """Abort, and say what the failure means for the sweep."""
        kafka = error_of(error) if isinstance(error, KafkaException) else None
        self._check_fence(error)
        self._abort()
        if kafka is not None and kafka.code() in NOT_OURS:
            raise AssignmentLost("the partitions belong to another worker", why=kafka.str()) from error
        why = words_of(error) if isinstance(error, KafkaException) else str(error)
        raise KafkaUnavailable("Kafka did not take a transaction", why=why) from error

    def _abort(self) -> None:
        try:
            self._insist(lambda: self._producer.abort_transaction(self._timeout_s), "abort")
        except KafkaException as error:
            self._check_fence(error)
            # Beyond repair: the next transaction begins with a new producer, which settles this one.
            self._producer = None

    def _check_fence(self, error: Exception) -> None:
        """
        Raises:
            SlotTaken: this producer may never go on; another one in its place would fence its successor.
        """
        if isinstance(error, KafkaException) and error_of(error).fatal():
            raise SlotTaken(
                f"Kafka has fenced worker slot {self._settings.slot}",
                why="another worker runs under the same slot, or this one was thought dead",
                next_step="give each worker a slot of its own",
            ) from error
