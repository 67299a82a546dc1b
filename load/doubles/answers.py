"""`streams.ports.AnswerLedger` in memory: rows, and where the records of answers are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    """The part of the ledger that a gateway sees."""

    rows: dict[str, Row] = field(default_factory=dict)
    next_offsets: dict[Partition, int] = field(default_factory=dict)
    places: dict[str, Produced] = field(default_factory=dict)
    reachable: bool = True

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        self._reach()
        row = self.rows.get(transaction_id)
        return row.decided if row else None

    def answer(self, answers: Sequence[Answered]) -> dict[str, DecidedTransaction]:
        self._reach()
        others = {}
        for each in answers:
            row = self.rows.setdefault(each.decided.transaction_id, Row(each.decided, None, each.features))
            if row.decided is not each.decided:
                others[each.decided.transaction_id] = row.decided
        return others

    def produced(self, places: Mapping[str, Produced]) -> None:
        self._reach()
        self.places.update(places)

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        self._reach()
        waiting = [
            Answered(row.decided, row.features)
            for name, row in self.rows.items()
            if row.owner is None and not self._under_way(self.places.get(name), topic_id)
        ]
        return waiting[:limit]

    def _under_way(self, place: Produced | None, topic_id: str) -> bool:
        if place is None or place.topic_id != topic_id:
            return False
        return self.next_offsets.get(Partition(place.topic_id, place.partition), 0) <= place.offset

    def _reach(self) -> None:
        if not self.reachable:
            raise LedgerUnavailable("the fake ledger is out of reach")
