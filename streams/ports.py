"""The sweep's three neighbours, and what passes between them. Each has a real one and a fake one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.boosters import Matrix, Scores
from models.decision import DecidedTransaction
from models.features import Entity
from models.label import Label
from streams.arrivals import Batch, DeadLetter
from streams.topics import Partition

Place = tuple[int, int]  # partition number and offset, within one incarnation of a topic


class Scoring(NamedTuple):
    """Who decided: the same for many rows, so the ledger keeps it once."""

    variant: str
    model_name: str
    model_version: str
    policy_version: str
    ab_version: str


@dataclass(frozen=True, slots=True)
class DecisionRows:
    """What a sweep decided. Arrays of length n, in the order of the batch.

    verdict: indices into VERDICTS. scored_by: indices into `scorings`. features: float32 (n, features).
    """

    batch: Batch
    verdict: NDArray[np.int8]
    score: Scores
    late: NDArray[np.bool_]
    scored_by: NDArray[np.int64]
    scorings: tuple[Scoring, ...]
    features: Matrix
    currency: str
    decided_at: datetime
    degraded_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """How far the ledger goes with a sweep: per partition, from where it was read to where it will be."""

    topic: str
    topic_id: str
    expected: Mapping[int, int]
    reached: Mapping[int, int]
    dead: Sequence[DeadLetter] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The ledger has taken a sweep. claimed: rows that REST had decided before, by their row in the batch."""

    claimed: Mapping[int, DecidedTransaction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The ledger took nothing: these rows of the batch are other records' (conflicts: with another body)."""

    rows: Sequence[int]
    conflicts: Sequence[int] = ()


class Mark(NamedTuple):
    """What an accepted label changes: a terminal's known frauds, at the time of the transaction."""

    terminal_id: str
    time_s: int
    delta: int


@dataclass(frozen=True, slots=True)
class LabelsSettled:
    """The ledger has taken a sweep of labels."""

    marks: Sequence[Mark]
    parked: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger holds for a span of offsets: the verdicts that stand."""

    decisions: Mapping[Place, DecidedTransaction]
    dead: Mapping[Place, tuple[str, str]]  # reason and detail


@dataclass(frozen=True, slots=True)
class Additions:
    """Records to append: per kind of entity, the ids and the packed records, one of each per addition."""

    ids: Mapping[Entity, Sequence[str]]
    records: Mapping[Entity, NDArray[np.void]]


@dataclass(frozen=True, slots=True)
class ParkedLabel:
    """A label whose transaction has come meanwhile."""

    place: tuple[str, int, int]  # topic id, partition, offset
    key: bytes | None
    value: bytes


class Ledger(Protocol):
    """Postgres: decides once. Every method raises LedgerUnavailable when it cannot be reached."""

    def identity(self) -> str:
        """The ledger's id; a restored ledger has another."""

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        """Per partition, the first offset that is not settled; 0 where nothing is."""

    def all_progress(self) -> dict[Partition, int]:
        """Of every partition that was ever read, old incarnations included."""

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        """Insert all rows and move the progress, or nothing.

        Raises:
            ProgressMoved: the progress is not what the step expected.
        """

    def settle_labels(self, step: Step, places: Sequence[Place], labels: Sequence[Label]) -> LabelsSettled:
        """Take labels, park those whose transaction is not known yet, and move the progress; or nothing.

        Raises:
            ProgressMoved: as above.
        """

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        """What stands for the offsets [first, last) of each partition."""

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        """What the rows owned by offsets [start, stop) append, in offset order, and the offset they reach.

        At most about `limit` rows at a time; the offset reached is `stop` when there are no more.
        """

    def ready_labels(self, limit: int) -> list[ParkedLabel]:
        """Parked labels whose transaction has a row by now."""

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        """Forget parked labels: they have been produced again."""


class Applied(Enum):
    """What the view made of a change: one answer per state group."""

    NOW = "now"
    BEFORE = "before"  # the watermarks were past it already
    REFUSED = "refused"  # view or watermarks are not what was read


@dataclass(frozen=True, slots=True)
class GroupState:
    """A state group as it was read. watermarks: next offset to apply, 0 where nothing is."""

    view: str | None
    watermarks: Mapping[Partition, int]


@dataclass(frozen=True, slots=True)
class ViewRead:
    """groups: state of each. histories: per kind of entity, in the order asked for; None where empty."""

    groups: Sequence[GroupState]
    histories: Mapping[Entity, Sequence[bytes | None]]


@dataclass(frozen=True, slots=True)
class Change:
    """Appends to the view, atomic within each group.

    views: the view key's value by group; only these groups are changed. moves: watermarks as read, and as
    they will be. rewrites: per kind of entity, id to (history as read, smaller one of the same meaning); the
    additions come on top, and a history that has changed since is only appended to.
    """

    views: Mapping[int, str]
    moves: Mapping[Partition, tuple[int, int]]
    additions: Additions
    rewrites: Mapping[Entity, Mapping[str, tuple[bytes, bytes]]] = field(default_factory=dict)


class View(Protocol):
    """Redis: histories and watermarks, rebuildable. Every method raises ViewUnavailable when out of reach."""

    groups: int
    connections: int  # how often a connection was made: a new one may lead to a view that lost writes

    def read(
        self,
        views: Mapping[int, str],
        partitions: Sequence[Partition],
        wanted: Mapping[Entity, Sequence[str]],
    ) -> ViewRead:
        """Watermarks and histories, one atomic command per group. `views` says which epoch to read."""

    def apply(self, change: Change) -> dict[int, Applied]:
        """Check views and watermarks, move the watermarks and append everything: all or nothing per group."""

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        """The entities that have a history, in any order; for checks, not for sweeps."""

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        """Begin a new, empty view of a group, if its key is still what was found."""


class Outbox(Protocol):
    """Kafka, going out: alerts, dead letters and offsets in one transaction."""

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        """Make alerts and dead letters visible together with the offsets; offsets alone may follow later.

        Raises:
            AssignmentLost: the partitions belong to another worker by now.
            SlotTaken: another worker has this one's transactional id.
            OutcomeUnknown: whether it was committed could not be found out.
            KafkaUnavailable: nothing was made visible.
        """

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        """Produce parked labels to their topic again, for good."""
