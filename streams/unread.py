"""What a poller has received and not handed over yet. Belongs to its thread."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Message

from streams.arrivals import Sweep
from streams.gathering import held_records, sweeps_of, without
from streams.offsets import Place


class Unread:
    """Records in the order of arrival, then sweeps made of them."""

    def __init__(self) -> None:
        self.records: list[Message] = []
        self.sweeps: list[Sweep] = []

    def gather(self, topic_ids: Mapping[str, str], most: int, group: Any, assignment: int) -> None:
        """Make sweeps of the records, at most so many of them."""
        some, self.records = self.records[:most], self.records[most:]
        self.sweeps = sweeps_of(topic_ids, some, group, assignment)

    def forget(self, places: set[Place]) -> None:
        """Partitions that are not ours any more, or held."""
        self.records = [each for each in self.records if (each.topic(), each.partition()) not in places]
        self.sweeps = [kept for sweep in self.sweeps if len(kept := without(sweep, places))]

    def clear(self) -> None:
        self.records, self.sweeps = [], []

    def counted(self, in_work: Sweep | None) -> Counter[Place]:
        """Records of each partition that are here, or in work."""
        return held_records(self.records, [in_work, *self.sweeps] if in_work else self.sweeps)
