"""What a reconciliation reads: topics, and the ledger's books. Each has a real one and a double."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from confluent_kafka import Message

from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from models.features import Entity
from models.history import Ints
from models.transaction import Attributes, comparable
from streams.topics import Partition

# What makes two records the same transaction: id, customer, terminal, amount in minor units, event time in
# ms, currency, comparable attributes.
TransactionBody = tuple[str, str, str, int, int, str, Attributes | None]
# A label's transaction, version, id, verdict, source and event time.
LabelBody = tuple[str, int, str, str, str, datetime]
LabelKey = tuple[str, int]  # transaction and version
Owner = tuple[Partition, int]  # partition and offset
Offsets = Mapping[int, int]  # by number of partition
Spans = Mapping[Partition, tuple[int, int]]  # first offset, and the one after the last


class Topics(Protocol):
    """Kafka, as a subscriber with `read_committed` sees it. Raises KafkaUnavailable when out of reach."""

    def partitions(self, topic: str) -> list[int]:
        """Numbers of a topic's partitions."""

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Per partition, the first offset in the log and the one after the last."""

    def written(self, topic: str) -> dict[int, int]:
        """Per partition, the offset after whatever was written, by transactions that are still open too."""

    def since(self, topic: str, moment_ms: int) -> dict[int, int]:
        """Per partition, the first record that the broker took at that moment or later; else the end."""

    def committed(self, topic: str) -> dict[int, int]:
        """Per partition, the offset that the workers' group has committed; those without one are left out."""

    def read(self, topic: str, until: Offsets, starts: Offsets | None = None) -> Iterator[list[Message]]:
        """Records from `starts`, else the first, to below `until`: in batches, in order in each partition."""


class Decided(NamedTuple):
    """A row of the ledger. owner: None while a decision made by REST waits for its record."""

    owner: Owner | None
    row: DecidedTransaction

    @property
    def body(self) -> TransactionBody:
        return body_of(self.row)


def body_of(row: DecidedTransaction) -> TransactionBody:
    return (
        row.transaction_id,
        row.customer_id,
        row.terminal_id,
        row.amount_minor,
        round(row.event_time.timestamp() * 1000),
        row.currency,
        comparable(row.attributes),
    )


def what_is_the_same(body: TransactionBody) -> tuple[object, ...]:
    """As `models.decision.body_of` has it: of one id, in one currency."""
    _, customer_id, terminal_id, amount_minor, event_time_ms, _, attributes = body
    return customer_id, terminal_id, amount_minor, event_time_ms, attributes


class Restored(NamedTuple):
    """A ledger that was put back from a backup: what comes above this progress is decided and sent again.

    sent: by topic that workers send to, the offset after whatever the former ledger had sent; empty where
    the log was lost too.
    """

    progress: Mapping[Partition, int]
    sent: Mapping[str, Offsets]

    def forgot(self, owner: Owner | None) -> bool:
        """Whether the restored ledger knew nothing of a record. owner: None where nobody owns its row yet."""
        return owner is None or owner[1] >= self.progress.get(owner[0], 0)


class Unclaimed(NamedTuple):
    """Decisions made by REST that wait for their record. overdue: how many have waited for too long."""

    rows: int
    overdue: int
    first: Sequence[str]


class Stray(NamedTuple):
    """Something that is recorded where the ledger has settled nothing yet. what: a table, in words."""

    what: str
    partition: Partition
    offset: int


class Piece(NamedTuple):
    """What the ledger says of one history: all of it, or a part that is small enough to be held.

    total: records in all pieces. place: index into the snapshot's partitions. Arrays of one length; empty for
    a history that only the view knows.
    """

    entity: Entity
    name: str
    total: int
    place: Ints
    offset: Ints
    time_s: Ints
    payload: Ints
    kind: Ints


class Snapshot(Protocol):
    """The ledger as it was at one moment."""

    @property
    def progress(self) -> Mapping[Partition, int]:
        """In the order of `Piece.place`."""

    @property
    def whole_from_s(self) -> int:
        """Epoch seconds of a whole hour: what is older may have left for the archive; 0 where nothing has."""

    def pieces(self) -> Iterator[Piece]:
        """Every history's records, in the order of entities and names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which histories a snapshot tells. seen: names that the view holds, told though they have no records.

    spans: only those that have a record there; all when None.
    """

    seen: Iterable[tuple[Entity, str]] = ()
    spans: Spans | None = None


class Books(Protocol):
    """The ledger, read for a check. Every method raises LedgerUnavailable when it cannot be reached.

    What lies below the committed offsets is there for good, parked labels apart, so no two calls need one
    snapshot. `start` and `stop`: offsets of a partition, the last one not included.
    """

    def rows(self, partition: Partition, start: int, stop: int) -> dict[int, TransactionBody]:
        """Decisions by the offsets that own them."""

    def accepted(self, partition: Partition, start: int, stop: int) -> dict[int, LabelBody]:
        """Labels that were taken, by the offsets that own them."""

    def parked(self, partition: Partition, start: int, stop: int) -> dict[int, LabelKey]:
        """Labels that wait for their transaction now."""

    def dead(self, partition: Partition, start: int, stop: int) -> set[int]:
        """Offsets whose records were set aside."""

    def counts(self, partition: Partition, start: int, stop: int) -> tuple[int, int]:
        """How many decisions or labels these offsets own, and how many records were set aside."""

    def flagged(self, partition: Partition, start: int, stop: int) -> Iterator[str]:
        """Transactions that were reviewed or declined, in the order of the offsets that own them."""

    def decided(self, transaction_ids: Sequence[str]) -> dict[str, Decided]:
        """The decisions on these, whoever owns them."""

    def archived(self, transaction_ids: Sequence[str]) -> dict[str, ArchivedDecision]:
        """What is left of those of these that have left for the archive."""

    def waiting(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        """Which of these labels are parked anywhere."""

    def labelled(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        """Which of these labels were taken, wherever they came from."""

    def unclaimed(self, before: datetime, most: int) -> Unclaimed:
        """Decisions by REST without a record; those made before a moment are overdue, the first are named."""

    def strays(self, most: int) -> list[Stray]:
        """What is recorded at or above the progress; at most so many of each kind and partition."""

    def owners(self) -> dict[Partition, int]:
        """How many decisions each partition owns, old incarnations included. Looks at the whole ledger."""

    def dangling(self, most: int) -> tuple[int, list[str]]:
        """Decisions that name a topic or a scoring that the ledger does not know: how many, the first of
        them."""

    def unbalanced(self, most: int) -> tuple[int, list[str]]:
        """Transactions whose labels' changes do not add up to the latest label: how many, the first of
        them."""

    def restores(self) -> list[Restored]:
        """How often this ledger was put back from a backup, oldest first."""

    def snapshot(self, wanted: Wanted) -> AbstractContextManager[Snapshot]:
        """The records of histories at one moment: after `wanted.seen` has been read to its end."""

    def settled(self, spans: Spans, names: Mapping[Entity, Sequence[str]]) -> list[Piece]:
        """What these offsets add to the histories of these names; places are those of the spans."""
