"""What a worker receives: a sweep, and what decoding makes of it. Columns, as cost is per record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.features import Entity
from models.history import Ints
from models.label import Label
from models.transaction import Attributes, comparable

Flags = NDArray[np.bool_]
Headers = Sequence[tuple[str, bytes | None]] | None

# On a label that comes back because its transaction has not come in time.
EXPIRED_HEADER = "fraudml-expired"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything that waited on a worker's partitions of one topic, in the order of arrival.

    timestamp_ms: the broker's. group: the consumer group's metadata as it was when this was polled; whoever
    commits with it is refused once the partitions belong to somebody else. headers: empty where no record has
    any. assignment: counts how often partitions were dealt; what is believed since before may be outdated.
    lane: which of those under way this is.
    """

    topic: str
    topic_id: str
    partition: Ints
    offset: Ints
    timestamp_ms: Ints
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    group: Any = None
    headers: Sequence[Headers] = ()
    assignment: int = 0
    lane: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def has_header(self, row: int, name: str) -> bool:
        return bool(self.headers) and any(found == name for found, _ in self.headers[row] or ())

    def where(self, mask: Flags) -> "Sweep":
        rows = np.flatnonzero(mask).tolist()
        return Sweep(
            self.topic,
            self.topic_id,
            self.partition[rows],
            self.offset[rows],
            self.timestamp_ms[rows],
            [self.keys[i] for i in rows],
            [self.values[i] for i in rows],
            self.group,
            [self.headers[i] for i in rows] if self.headers else (),
            self.assignment,
            self.lane,
        )

    def places(self) -> frozenset[tuple[str, int]]:
        return frozenset((self.topic, number) for number in self.partitions())

    def partitions(self) -> list[int]:
        return [int(number) for number in np.unique(self.partition)]

    def reached(self) -> dict[int, int]:
        """Per partition, the offset after its last record."""
        return {number: int(self.offset[self.partition == number].max()) + 1 for number in self.partitions()}

    def next_offsets(self) -> dict[tuple[str, int], int]:
        """What the group commits once the sweep is done, by topic and partition."""
        return {(self.topic, number): offset for number, offset in self.reached().items()}

    def before(self, stops: Mapping[int, int]) -> "Sweep":
        """The sweep, less what partitions hold from some offsets on."""
        if not stops:
            return self
        kept = np.ones(len(self), np.bool_)
        for number, offset in stops.items():
            kept &= (self.partition != number) | (self.offset < offset)
        return self.where(kept)

    def below(self, progress: Mapping[int, int]) -> Flags:
        """Which records the ledger has settled already."""
        mask = np.zeros(len(self), np.bool_)
        for number, next_offset in progress.items():
            mask |= (self.partition == number) & (self.offset < next_offset)
        return mask


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that can never be used: its bytes as they came, and why."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    reason: str
    detail: str
    stage: str = "decode"


class LabelRecord(NamedTuple):
    """A decoded label, and the record that it came as. place: partition and offset."""

    place: tuple[int, int]
    key: bytes | None
    value: bytes
    label: Label


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded transactions, in the order in which they count. All of length n."""

    transaction_id: list[str]
    customer_id: list[str]
    terminal_id: list[str]
    amount_minor: Ints
    event_time_ms: Ints
    attributes: list[Attributes | None]
    partition: Ints
    offset: Ints

    def __len__(self) -> int:
        return len(self.transaction_id)

    @property
    def time_s(self) -> Ints:
        return self.event_time_ms // 1000

    def ids(self, entity: Entity) -> list[str]:
        return self.customer_id if entity == "customer" else self.terminal_id

    def repeats(self) -> list[int]:
        """Rows whose id an earlier row has: within a sweep the first one counts."""
        if len(set(self.transaction_id)) == len(self):
            return []
        first = self._firsts()
        return [row for row, name in enumerate(self.transaction_id) if first[name] != row]

    def conflicts(self, repeats: Sequence[int]) -> list[int]:
        """Those repeats that have another body than the first row of their id."""
        first = self._firsts() if repeats else {}
        return [row for row in repeats if self.body(row) != self.body(first[self.transaction_id[row]])]

    def _firsts(self) -> dict[str, int]:
        first: dict[str, int] = {}
        for row, name in enumerate(self.transaction_id):
            first.setdefault(name, row)
        return first

    def rows_of(self, part: "Batch", rows: Sequence[int]) -> list[int]:
        """Where some rows of a part of this batch are in it."""
        places = {(int(part.partition[row]), int(part.offset[row])) for row in rows}
        mine = zip(self.partition.tolist(), self.offset.tolist(), strict=True)
        return [row for row, place in enumerate(mine) if place in places]

    def without(self, rows: Sequence[int]) -> "Batch":
        """The same batch less some rows."""
        if not rows:
            return self
        keep = np.ones(len(self), np.bool_)
        keep[list(rows)] = False
        return self.take(np.flatnonzero(keep))

    def take(self, rows: Ints) -> "Batch":
        return Batch(
            [self.transaction_id[i] for i in rows],
            [self.customer_id[i] for i in rows],
            [self.terminal_id[i] for i in rows],
            self.amount_minor[rows],
            self.event_time_ms[rows],
            [self.attributes[i] for i in rows],
            self.partition[rows],
            self.offset[rows],
        )

    def body(self, row: int) -> tuple[object, ...]:
        """What makes two records the same transaction or a conflict."""
        return (
            self.customer_id[row],
            self.terminal_id[row],
            int(self.amount_minor[row]),
            int(self.event_time_ms[row]),
            comparable(self.attributes[row]),
        )
