"""The topics: names, partitions, and how Kafka keeps them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from streams.settings import Settings


class Partition(NamedTuple):
    """One partition of one incarnation of a topic: a topic made again under its old name has another id."""

    topic_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is created. config: Kafka's own names and values."""

    name: str
    partitions: int
    config: dict[str, str]


MEBIBYTE = 1 << 20
# The broker's clock, not a producer's: what is "ahead", what may be forgotten, and what belongs to a range of
# time, are judged by it.
KEPT = timedelta(days=30)
KEEP = {"retention.ms": str(KEPT // timedelta(milliseconds=1)), "message.timestamp.type": "LogAppendTime"}
# A dead letter is the original and its headers, so its topic must take more than the original's did.
LARGEST_RECORD_BYTES = MEBIBYTE
LARGEST_DEAD_LETTER_BYTES = 2 * MEBIBYTE
INPUT = {**KEEP, "max.message.bytes": str(LARGEST_RECORD_BYTES)}
ALERTS = {**KEEP, "max.message.bytes": str(LARGEST_RECORD_BYTES)}
DEAD_LETTERS = {**KEEP, "max.message.bytes": str(LARGEST_DEAD_LETTER_BYTES)}


def topics(settings: Settings) -> tuple[Topic, ...]:
    """The topics this deployment needs."""
    count = settings.partitions
    inputs = (settings.transactions_topic, settings.labels_topic)
    return (
        *(Topic(name, count, INPUT) for name in inputs),
        Topic(settings.alerts_topic, count, ALERTS),
        *(Topic(settings.dead_letter_topic(name), count, DEAD_LETTERS) for name in inputs),
    )
