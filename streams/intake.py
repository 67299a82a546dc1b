"""What a poller has received and not handed over yet, and of which partitions. Belongs to its thread."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Message

from streams.arrivals import Sweep
from streams.gathering import held_records, sweeps_of, turn_of, without
from streams.held import HeldPartitions
from streams.lanes import Lanes
from streams.offsets import Ends, Offsets, Place

log = structlog.get_logger(__name__)


class Intake:
    """Records of each partition in the order of arrival, then sweeps made of them.

    partitions: ours. held: those of them that are read no further. records: by partition, the one that has
    waited longest for its turn first. newest: of those that have waited through no turn yet.
    """

    def __init__(self) -> None:
        self.partitions: set[Place] = set()
        self.held = HeldPartitions()
        self.records: dict[Place, list[Message]] = {}
        self.newest: Message | None = None
        self.sweeps: list[Sweep] = []
        self._ends = Ends()

    def keep(self, messages: Sequence[Message]) -> None:
        """Keep records of partitions that are ours.

        Raises:
            KafkaException: the client has met an error that does not pass.
        """
        for message in messages:
            error, place = message.error(), (message.topic(), message.partition())
            if error is not None:
                self._note(error, place, message.offset())
            elif place in self.partitions and place not in self.held:
                self.records.setdefault(place, []).append(message)
                self.newest = message

    @property
    def count(self) -> int:
        """How many records wait to be made sweeps of."""
        return sum(map(len, self.records.values()))

    def _note(self, error: KafkaError, place: Place, offset: int) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._ends.reached(place, offset)
        elif error.fatal() or not error.retriable():
            raise KafkaException(error)
        else:
            log.warning("kafka_error", error=error.str())

    def gather(
        self, topic_ids: Mapping[str, str], most: int, group: Any, assignment: int, lanes: Lanes
    ) -> None:
        """Make sweeps of the records whose turn it is (`turn_of`), at most so many of them."""
        some: list[Message] = []
        for place in turn_of(self.records, lanes):
            if not (room := most - len(some)):
                break
            found = self.records.pop(place)
            some += found[:room]
            if found[room:]:
                # Behind the others: nobody's turn waits for a partition that has more than its share.
                self.records[place] = found[room:]
        self.newest = None
        self.sweeps = sweeps_of(topic_ids, some, group, assignment)

    def forget(self, places: set[Place]) -> None:
        """What has been received of these partitions."""
        self.newest = None
        self.records = {place: found for place, found in self.records.items() if place not in places}
        self.sweeps = [kept for sweep in self.sweeps if len(kept := without(sweep, places))]

    def drop(self, places: set[Place]) -> None:
        """These partitions belong to another worker now."""
        self.partitions -= places
        self.held.drop(places)
        self.forget(places)

    def hold(self, consumer: Any, offsets: Offsets) -> None:
        """Read partitions that are ours no further than these offsets."""
        mine = {place: offset for place, offset in offsets.items() if place in self.partitions}
        self.forget(set(mine))
        self.held.hold(consumer, mine)

    def clear(self, consumer: Any) -> None:
        """All is read again: whatever has held a partition is met again, too."""
        self.records, self.newest, self.sweeps = {}, None, []
        self.held.clear(consumer)

    def lags(self, consumer: Any, under_way: Sequence[Sweep]) -> dict[Place, int]:
        """Records of each partition that are not finished, whether they are read or not."""
        counted = held_records(self.records, [*under_way, *self.sweeps])
        lags = self._ends.lag(consumer, self.partitions)
        return {place: lag + counted[place] for place, lag in lags.items()}
