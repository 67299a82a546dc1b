"""Postgres, as a sweep sees it: what it is told, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from models.boosters import Matrix, Scores
from models.decision import DecidedTransaction, Path, body_of
from models.reasons import Reason
from streams.answered import Answered
from streams.arrivals import Batch, DeadLetter, LabelRecord
from streams.ports.view import Additions
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
    reasons: of the rows that are not approved. answered: what the gateway has answered, by transaction
    id: where the ledger has no row yet, that is the decision.
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
    reasons: Mapping[int, Sequence[Reason]] = field(default_factory=dict)
    path: Path = "stream"
    answered: Mapping[str, Answered] = field(default_factory=dict)

    def answers(self) -> Mapping[int, Answered]:
        """What the gateway has answered already, by row."""
        return {row: each for row, each in self._answered().items() if self._fits(row, each)}

    def misfits(self) -> int:
        """How many rows are not what was answered under their ids: with another body, in a record behind."""
        return sum(not self._fits(row, each) for row, each in self._answered().items())

    def _answered(self) -> Mapping[int, Answered]:
        if not self.answered:
            return {}
        ids = enumerate(self.batch.transaction_id)
        return {row: self.answered[name] for row, name in ids if name in self.answered}

    def _fits(self, row: int, answered: Answered) -> bool:
        return body_of(answered.decided) == self.batch.body(row)


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
    """The ledger has taken a sweep.

    claimed: what REST had decided before, by row of the batch. answer_conflicts: how many of the sweep's
    answers were others than what stands.
    """

    claimed: Mapping[int, DecidedTransaction] = field(default_factory=dict)
    answer_conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The ledger took nothing: these rows of the batch are other records' (conflicts: with another body)."""

    rows: Sequence[int]
    conflicts: Sequence[int] = ()
    answer_conflicts: int = 0


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
class Poison:
    """Malformed records of a partition: their offsets, ascending.

    Below `allowed_until` any number may pass.
    """

    offsets: Sequence[int]
    allowed_until: int


LabelPlace = tuple[str, int, int]  # topic id, partition, offset


@dataclass(frozen=True, slots=True)
class ParkedLabel:
    """A label that has waited: its transaction has come, or (expired) has not come in time."""

    place: LabelPlace
    key: bytes | None
    value: bytes
    expired: bool = False


class DueLabels(NamedTuple):
    """Parked labels that need wait no longer. last: as far as was looked; None at the end of all."""

    labels: list[ParkedLabel]
    last: LabelPlace | None


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

    def settle_labels(self, step: Step, labels: Sequence[LabelRecord]) -> LabelsSettled:
        """Take labels, park those whose transaction is not known yet, and move the progress; or nothing.

        Raises:
            ProgressMoved: as above.
        """

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        """What stands for the offsets [first, last) of each partition."""

    def poison(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Mapping[int, Poison]:
        """What was malformed at the offsets [first, last) of each partition; labels that expired were not."""

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        """What the rows owned by offsets [start, stop) append, in offset order, and the offset they reach.

        At most about `limit` rows at a time; the offset reached is `stop` when there are no more.
        """

    def due_labels(self, after: LabelPlace | None, limit: int, wait_s: float) -> DueLabels:
        """Those of the next `limit` parked labels whose transaction has a row by now, or that have waited for
        `wait_s`. `after`: where an earlier look ended; None begins anew.
        """

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        """Forget parked labels: they have been produced again."""
