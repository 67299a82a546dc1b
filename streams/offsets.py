"""Offsets that a worker owes the group, and how far behind it is. Belongs to the poller's thread."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.kafka import error_of, is_retriable, words_of

log = structlog.get_logger(__name__)

Place = tuple[str, int]  # topic and partition
Offsets = Mapping[Place, int]

# What Kafka says to a worker that is no longer in the group it speaks for.
NOT_OURS = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)


class OwedOffsets:
    """Finished offsets, until they are committed plainly or in a transaction.

    What Kafka refuses stays owed as long as the partition is ours: a rebalance under way must leave a group
    neither without the offset that a partition starts at, nor behind what is finished.
    """

    def __init__(self) -> None:
        self._owed: dict[Place, int] = {}

    def __bool__(self) -> bool:
        return bool(self._owed)

    @property
    def places(self) -> Set[Place]:
        return self._owed.keys()

    def later(self, offsets: Offsets) -> None:
        self._owed.update(offsets)

    def drop(self, places: Iterable[Place]) -> None:
        for place in places:
            self._owed.pop(place, None)

    def clear(self) -> None:
        self._owed.clear()

    def commit(self, consumer: Any, besides: Set[Place] = frozenset()) -> None:
        """Commit and wait: no transaction may begin before this is over, or offsets could go back.

        besides: partitions that stay owed, as a transaction under way may be committing more of them.
        """
        due = {place: offset for place, offset in self._owed.items() if place not in besides}
        if not due:
            return
        positions = [TopicPartition(*place, offset) for place, offset in due.items()]
        try:
            consumer.commit(offsets=positions, asynchronous=False)
        except KafkaException as error:
            log.warning("offsets_not_committed", error=words_of(error))
            if not is_retriable(error) and error_of(error).code() not in NOT_OURS:
                raise
        else:
            self.drop(due)


class Ends:
    """How far behind the log's end each partition is read.

    A log may end in markers of transactions that are never delivered; the end-of-partition event tells.
    """

    def __init__(self) -> None:
        self._reached: dict[Place, int] = {}

    def reached(self, place: Place, offset: int) -> None:
        self._reached[place] = offset

    def lag(self, consumer: Any, places: Iterable[Place]) -> dict[Place, int]:
        """Records not read yet, by what the consumer heard last."""
        lags = {}
        for each in consumer.position([TopicPartition(*place) for place in places]):
            _, last = consumer.get_watermark_offsets(each, cached=True)
            read = max(each.offset, self._reached.get((each.topic, each.partition), -1))
            if read >= 0 and last >= 0:
                lags[each.topic, each.partition] = max(last - read, 0)
        return lags
