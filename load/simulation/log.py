"""The log double: topics with partitions, records at offsets, holes where transactions ended."""

from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from streams.arrivals import Headers


class Record(NamedTuple):
    """A record as a consumer sees it. timestamp_ms: the broker's."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = None


@dataclass
class Topic:
    """One incarnation of a topic. An offset without a record is the end of a transaction."""

    name: str
    topic_id: str
    partitions: list[list[Record | None]] = field(default_factory=list)

    def end(self, number: int) -> int:
        return len(self.partitions[number])

    def next_record(self, number: int, offset: int) -> int | None:
        """The first offset from `offset` on that holds a record."""
        records = self.partitions[number]
        return next((at for at in range(offset, len(records)) if records[at] is not None), None)

    def after_last_record(self, number: int) -> int:
        """Where a reader is who has seen everything."""
        records = self.partitions[number]
        return next((at + 1 for at in reversed(range(len(records))) if records[at] is not None), 0)

    def partition_of(self, key: bytes) -> int:
        return crc32(key) % len(self.partitions)
