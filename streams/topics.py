"""Names of topics and partitions."""

from typing import NamedTuple

from streams.settings import Settings


class Partition(NamedTuple):
    """One partition of one incarnation of a topic: a topic made again under its old name has another id."""

    topic_id: str
    number: int


class Topic(NamedTuple):
    name: str
    partitions: int
    max_message_bytes: int


MEBIBYTE = 1 << 20
# A dead letter is the original and its headers, so its topic must take more than the original's did.
DEAD_LETTER_MAX_BYTES = 12 * MEBIBYTE


def topics(settings: Settings) -> tuple[Topic, ...]:
    """The topics this deployment needs, as they are created."""
    count = settings.partitions
    inputs = (settings.transactions_topic, settings.labels_topic)
    return (
        *(Topic(name, count, MEBIBYTE) for name in inputs),
        Topic(settings.alerts_topic, count, MEBIBYTE),
        *(Topic(settings.dead_letter_topic(name), count, DEAD_LETTER_MAX_BYTES) for name in inputs),
    )
