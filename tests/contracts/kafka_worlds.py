"""A Kafka with a worker's outboxes, once as a double and once the real one."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import msgspec
from confluent_kafka import Consumer, KafkaError, TopicPartition

from deploy.stack.waiting import until
from load.doubles import FakeKafka, FakeOutbox
from models.decision import Alert, alert_of
from streams.alerts import KafkaOutbox
from streams.arrivals import EXPIRED_HEADER
from streams.kafka import reader_config, worker_config
from streams.offsets import Offsets, OwedOffsets
from streams.ports import Outbox
from streams.settings import Settings

WAIT_S = 30.0
SOURCES = ("transactions", "labels")
_alerts = msgspec.json.Decoder(Alert)


class Letter(NamedTuple):
    """A dead letter as its subscriber gets it. source: topic, partition and offset of the original."""

    key: bytes | None
    value: bytes | None
    reason: str
    source: tuple[str, int, int]


class Subscribed(NamedTuple):
    """All that subscribers with `read_committed` see. labels: key, value, and whether expired."""

    alerts: list[Alert]
    dead: list[Letter]
    labels: list[tuple[bytes | None, bytes, bool]]


class KafkaWorld(Protocol):
    """A group of workers, and the topics it reads."""

    def outbox(self, slot: int = 0) -> Outbox:
        """The outbox of a worker that has just started in a slot."""

    def topic(self, name: str) -> str:
        """What one of `SOURCES` is called here."""

    def group(self) -> Any:
        """The group's metadata, as a worker captures it with a sweep."""

    def replace_member(self) -> None:
        """Another process takes the worker's place in the group."""

    def commit_owed(self) -> None:
        """What may be committed later is committed now."""

    def committed(self) -> dict[tuple[str, int], int]:
        """The offsets that the group has committed."""

    def subscribed(self, *, cut_short: bool = False) -> Subscribed:
        """What can be seen once Kafka has marked the ends of all transactions; cut_short: one has no end."""


@dataclass
class FakeKafkaWorld:
    kafka: FakeKafka = field(default_factory=FakeKafka)

    def outbox(self, slot: int = 0) -> FakeOutbox:
        return FakeOutbox(kafka=self.kafka, slot=slot)

    def topic(self, name: str) -> str:
        return name

    def group(self) -> int:
        return self.kafka.generation

    def replace_member(self) -> None:
        self.kafka.generation += 1

    def commit_owed(self) -> None:
        """The fake commits at once."""

    def committed(self) -> dict[tuple[str, int], int]:
        return dict(self.kafka.offsets)

    def subscribed(self, *, cut_short: bool = False) -> Subscribed:
        return Subscribed(
            [alert_of(each) for each in self.kafka.alerts],
            [
                Letter(dead.key, dead.value, dead.reason, (dead.topic, dead.partition, dead.offset))
                for dead in self.kafka.dead
            ],
            [(label.key, label.value, label.expired) for label in self.kafka.returned],
        )


class RealKafkaWorld:
    """Also the outboxes' book: what may be committed later is owed until `commit_owed`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owed = OwedOffsets()
        self._members = [self._join()]

    def _join(self) -> Any:
        consumer = Consumer(worker_config(self._settings) | {"auto.offset.reset": "latest"})
        consumer.subscribe([self._settings.transactions_topic])
        until(lambda: consumer.poll(0.1) or consumer.assignment(), within_s=WAIT_S, every_s=0)
        return consumer

    def later(self, offsets: Offsets) -> None:
        self._owed.later(offsets)

    def done(self, offsets: Offsets) -> None:
        self._owed.drop(offsets)

    def outbox(self, slot: int = 0) -> KafkaOutbox:
        outbox = KafkaOutbox(self._settings.model_copy(update={"slot": slot}), self)
        outbox.open()
        return outbox

    def topic(self, name: str) -> str:
        return str(getattr(self._settings, f"{name}_topic"))

    def group(self) -> Any:
        return self._members[-1].consumer_group_metadata()

    def replace_member(self) -> None:
        self._members.append(self._join())

    def commit_owed(self) -> None:
        self._owed.commit(self._members[0])

    def committed(self) -> dict[tuple[str, int], int]:
        numbers = range(self._settings.partitions)
        places = [TopicPartition(self.topic(name), number) for name in SOURCES for number in numbers]
        found = self._members[-1].committed(places, WAIT_S)
        return {(each.topic, each.partition): each.offset for each in found if each.offset >= 0}

    def subscribed(self, *, cut_short: bool = False) -> Subscribed:
        settings = self._settings
        letters = [settings.dead_letter_topic(self.topic(name)) for name in SOURCES]
        seen = self._seen([settings.alerts_topic, settings.labels_topic, *letters], cut_short)
        return Subscribed(
            [_alert(message) for message in seen[settings.alerts_topic]],
            [_letter(message) for topic in letters for message in seen[topic]],
            [_label(message) for message in seen[settings.labels_topic]],
        )

    def _seen(self, topics: list[str], cut_short: bool) -> dict[str, list[Any]]:
        """Topics from their beginning to their end, or to the first transaction without an end."""
        found: dict[str, list[Any]] = {topic: [] for topic in topics}
        places = {(topic, number) for topic in topics for number in range(self._settings.partitions)}
        ends = self._ends(places)
        reader = Consumer(reader_config(self._settings, "subscriber") | {"fetch.wait.max.ms": 10})
        try:
            reader.assign([TopicPartition(*place, 0) for place in places])
            while places:
                message = reader.poll(WAIT_S)
                assert message is not None, f"no end of {places}"
                if message.error() is None:
                    found[message.topic()].append(message)
                else:
                    assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                    # Kafka marks a transaction a little after it has said that it is committed.
                    place = (message.topic(), message.partition())
                    if cut_short or message.offset() >= ends[place]:
                        places.discard(place)
        finally:
            reader.close()
        return found

    def _ends(self, places: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Where each partition ends, open transactions included."""
        reader = Consumer(reader_config(self._settings, "ends") | {"isolation.level": "read_uncommitted"})
        try:
            return {
                place: reader.get_watermark_offsets(TopicPartition(*place), WAIT_S)[1] for place in places
            }
        finally:
            reader.close()

    def close(self) -> None:
        for member in self._members:
            member.close()


def _alert(message: Any) -> Alert:
    alert = _alerts.decode(message.value())
    assert message.key() == alert.customer_id.encode()
    return alert


def _label(message: Any) -> tuple[bytes | None, bytes, bool]:
    return message.key(), message.value(), EXPIRED_HEADER in dict(message.headers() or ())


def _letter(message: Any) -> Letter:
    headers = {name: value.decode() for name, value in message.headers()}
    source = (headers["source_topic"], int(headers["source_partition"]), int(headers["source_offset"]))
    return Letter(message.key(), message.value(), headers["reason"], source)
