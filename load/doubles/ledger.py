"""`streams.ports.Ledger` in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from load.doubles.answers import FakeAnswers, Owner, RecordOwner, Row
from load.doubles.rows import additions_of_rows, mark_of
from models.decision import DecidedTransaction, body_of, decision_of
from models.errors import ProgressMoved
from models.label import Label, fraud_mark
from streams.arrivals import LabelRecord
from streams.codecs import NO_TRANSACTION
from streams.ports import (
    Additions,
    DecisionRows,
    DueLabels,
    Duplicates,
    LabelPlace,
    LabelsSettled,
    Mark,
    ParkedLabel,
    Poison,
    Recorded,
    Settled,
    Step,
)
from streams.topics import Partition
from streams.verdicts import decided_row


@dataclass
class LabelRow:
    label: Label
    owner: RecordOwner
    delta: int


class Parked(NamedTuple):
    """A label that waits. since_s: by the ledger's clock."""

    record: LabelRecord
    since_s: float


@dataclass
class FakeLedger(FakeAnswers):
    """Decides once, as Postgres does. reachable: false is what a stopped server looks like from outside.

    clock: seconds, for how long a label has waited.
    """

    ledger_id: str = "ledger-1"
    labels: dict[tuple[str, int], LabelRow] = field(default_factory=dict)
    parked: dict[RecordOwner, Parked] = field(default_factory=dict)
    dead: dict[RecordOwner, tuple[str, str]] = field(default_factory=dict)
    allowed: dict[Partition, int] = field(default_factory=dict)
    clock: Callable[[], float] = lambda: 0.0

    def identity(self) -> str:
        self._reach()
        return self.ledger_id

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        self._reach()
        return {number: self.next_offsets.get(Partition(topic_id, number), 0) for number in numbers}

    def all_progress(self) -> dict[Partition, int]:
        self._reach()
        return dict(self.next_offsets)

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        self._check(step)
        outcome = self._archived_ones(rows) or self._resolve(step, rows)
        if isinstance(outcome, Duplicates):
            return outcome
        answers = rows.answers()
        stored = {}
        for row, transaction_id in enumerate(rows.batch.transaction_id):
            if row in outcome.claimed:
                self.rows[transaction_id].owner = _owner(step, rows, row)
                continue
            decided, features = decided_row(rows, row), rows.features[row]
            if row in answers and transaction_id not in self.rows:
                decided, features = answers[row].decided, answers[row].features
                stored[row] = decided
            self.rows.setdefault(transaction_id, Row(decided, _owner(step, rows, row), features))
        self._move(step)
        conflicts = outcome.answer_conflicts + rows.misfits()
        return replace(outcome, claimed={**outcome.claimed, **stored}, answer_conflicts=conflicts)

    def _archived_ones(self, rows: DecisionRows) -> Duplicates | None:
        """They are told first, and alone: so Postgres does it."""
        batch, answers = rows.batch, rows.answers()
        held = {row: self.left[name] for row, name in enumerate(batch.transaction_id) if name in self.left}
        if not held:
            return None
        conflicts = [row for row, each in held.items() if not each.fits(batch.body(row))]
        unlike = [
            row for row in held if row in answers and decision_of(answers[row].decided) != held[row].decision
        ]
        return Duplicates(list(held), conflicts, len(unlike))

    def _resolve(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        """Who owns the ids that have rows already; an earlier row of the batch is an owner too."""
        batch = rows.batch
        claimed: dict[int, DecidedTransaction] = {}
        duplicates, conflicts, answer_conflicts = [], [], 0
        answers = rows.answers()
        first: dict[str, int] = {}
        for row, transaction_id in enumerate(batch.transaction_id):
            found = self.rows.get(transaction_id)
            repeated = first.setdefault(transaction_id, row) != row
            if not repeated and (found is None or found.owner == _owner(step, rows, row)):
                continue
            same = batch.body(row) == (body_of(found.decided) if found else batch.body(first[transaction_id]))
            answer_conflicts += bool(found and row in answers and answers[row].decided != found.decided)
            if same and not repeated and found is not None and found.owner is None:
                claimed[row] = found.decided
                continue
            duplicates.append(row)
            if not same:
                conflicts.append(row)
        if duplicates:
            return Duplicates(duplicates, conflicts, answer_conflicts)
        return Settled(claimed, answer_conflicts)

    def settle_labels(self, step: Step, labels: Sequence[LabelRecord]) -> LabelsSettled:
        self._check(step)
        marks: list[Mark] = []
        parked = accepted = 0
        for record in labels:
            label = record.label
            row = self.rows.get(label.transaction_id)
            owner = (step.topic_id, *record.place)
            if row is None and label.transaction_id not in self.left:
                self.parked[owner] = Parked(record, self.clock())
                parked += 1
            elif (label.transaction_id, label.version) not in self.labels:
                # One that was archived is older than every window: its label leaves no mark.
                marks += [self._accept(label, row, owner)] if row else []
                if row is None:
                    self._take(label, owner)
                accepted += 1
        self._move(step)
        return LabelsSettled(marks, parked, len(labels) - parked - accepted)

    def _accept(self, label: Label, row: Row, owner: RecordOwner) -> Mark:
        return mark_of(row.decided, self._take(label, owner))

    def _take(self, label: Label, owner: RecordOwner) -> int:
        before = self.latest_label(label.transaction_id)
        self.labels[label.transaction_id, label.version] = LabelRow(label, owner, 0)
        delta = fraud_mark(self.latest_label(label.transaction_id)) - fraud_mark(before)
        self.labels[label.transaction_id, label.version].delta = delta
        return delta

    def latest_label(self, transaction_id: str) -> str | None:
        versions = {version: row for (name, version), row in self.labels.items() if name == transaction_id}
        return versions[max(versions)].label.label if versions else None

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        self._reach()

        def inside(owner: Owner) -> bool:
            if owner is None or owner[0] != topic_id or owner[1] not in spans:
                return False
            return spans[owner[1]][0] <= owner[2] < spans[owner[1]][1]

        decisions = {
            row.owner[1:]: row.decided for row in self.rows.values() if row.owner and inside(row.owner)
        }
        return Recorded(decisions, {place[1:]: why for place, why in self.dead.items() if inside(place)})

    def poison(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> dict[int, Poison]:
        self._reach()
        return {
            number: Poison(
                sorted(
                    offset
                    for (found, where, offset), (reason, _) in self.dead.items()
                    if (found, where) == (topic_id, number)
                    and start <= offset < stop
                    and reason != NO_TRANSACTION
                ),
                self.allowed.get(Partition(topic_id, number), 0),
            )
            for number, (start, stop) in spans.items()
        }

    def allow_poison(self, topic: str, partition: Partition, until_offset: int) -> None:
        self._reach()
        self.allowed[partition] = max(until_offset, self.allowed.get(partition, 0))

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        self._reach()
        found: list[tuple[int, DecidedTransaction, int | None]] = []
        for row in self.rows.values():
            if row.owner and row.owner[:2] == tuple(partition) and start <= row.owner[2] < stop:
                found.append((row.owner[2], row.decided, None))
        for mark in self.labels.values():
            marked = self.rows.get(mark.label.transaction_id)
            if marked and mark.owner[:2] == tuple(partition) and start <= mark.owner[2] < stop:
                found.append((mark.owner[2], marked.decided, mark.delta))
        found.sort(key=lambda each: each[0])
        reached = stop if len(found) < limit else found[limit - 1][0] + 1
        return additions_of_rows(found[:limit]), reached

    def due_labels(self, after: LabelPlace | None, limit: int, wait_s: float) -> DueLabels:
        self._reach()
        places = sorted(place for place in self.parked if after is None or place > after)
        last = places[limit - 1] if len(places) >= limit else None
        due: list[ParkedLabel] = []
        for place in places[:limit]:
            record, since_s = self.parked[place]
            known = record.label.transaction_id in self.rows or record.label.transaction_id in self.left
            if known or since_s < self.clock() - wait_s:
                due.append(ParkedLabel(place, record.key, record.value, not known))
        return DueLabels(due, last)

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        self._reach()
        for label in labels:
            self.parked.pop(label.place, None)

    def _check(self, step: Step) -> None:
        back = any(step.reached[number] < offset for number, offset in step.expected.items())
        if back or self.progress(step.topic_id, list(step.expected)) != dict(step.expected):
            raise ProgressMoved(f"{step.topic} is elsewhere")

    def _move(self, step: Step) -> None:
        for number, reached in step.reached.items():
            self.next_offsets[Partition(step.topic_id, number)] = reached
        for letter in step.dead:
            self.dead[step.topic_id, letter.partition, letter.offset] = (letter.reason, letter.detail)


def _owner(step: Step, rows: DecisionRows, row: int) -> RecordOwner:
    return (step.topic_id, int(rows.batch.partition[row]), int(rows.batch.offset[row]))
