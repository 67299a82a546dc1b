"""`streams.ports.AnswerLedger` in memory: rows, and where the records of answers are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from models.archived import ArchivedDecision, archived
from models.decision import DecidedTransaction
from models.errors import LedgerUnavailable
from streams.answered import Answered
from streams.ports import Produced
from streams.topics import Partition

RecordOwner = tuple[str, int, int]  # topic id, partition, offset
Owner = RecordOwner | None  # None while a decision made by REST waits for its record


@dataclass
class Row:
    """A row of the ledger's table of decisions."""

    decided: DecidedTransaction
    owner: Owner
    features: np.ndarray[Any, Any]


@dataclass
class FakeAnswers:
    """The part of the ledger that a gateway sees. now: the time, for how long an answer has waited. left: for
    the archive.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    next_offsets: dict[Partition, int] = field(default_factory=dict)
    places: dict[str, Produced] = field(default_factory=dict)
    left: dict[str, ArchivedDecision] = field(default_factory=dict)
    reachable: bool = True
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        self._reach()
        row = self.rows.get(transaction_id)
        return row.decided if row else None

    def archived(self, transaction_id: str) -> ArchivedDecision | None:
        self._reach()
        return self.left.get(transaction_id)

    def archive(self, transaction_id: str) -> None:
        """As `fraudml archive` does with a month."""
        self.left[transaction_id] = archived(self.rows.pop(transaction_id).decided)
        self.places.pop(transaction_id, None)

    def answer(self, answers: Sequence[Answered]) -> dict[str, Answered | ArchivedDecision]:
        self._reach()
        others: dict[str, Answered | ArchivedDecision] = {}
        for each in answers:
            name = each.decided.transaction_id
            if name in self.left:
                others[name] = self.left[name]
            elif name in self.rows:
                others[name] = Answered(self.rows[name].decided, self.rows[name].features)
            else:
                self.rows[name] = Row(each.decided, None, each.features)
        return others

    def produced(self, places: Mapping[str, Produced]) -> None:
        self._reach()
        self.places.update(places)

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        self._reach()
        before = self.now() - timedelta(seconds=older_s)
        waiting = [
            Answered(row.decided, row.features)
            for name, row in self.rows.items()
            if row.owner is None
            and row.decided.decided_at < before
            and not self._under_way(self.places.get(name), topic_id)
        ]
        return sorted(waiting, key=lambda each: each.decided.decided_at)[:limit]

    def _under_way(self, place: Produced | None, topic_id: str) -> bool:
        if place is None or place.topic_id != topic_id:
            return False
        return self.next_offsets.get(Partition(place.topic_id, place.partition), 0) <= place.offset

    def _reach(self) -> None:
        if not self.reachable:
            raise LedgerUnavailable("the fake ledger is out of reach")
