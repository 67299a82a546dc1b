"""Ledger and view doubles with what the simulator wants to know: who wrote what on which grounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from load.doubles import FakeLedger, FakeView, Group, Row
from models.archived import ArchivedDecision
from models.features import Entity
from streams.answered import Answered
from streams.codecs import encode
from streams.ports import Applied, Change, DecisionRows, Duplicates, Settled, Step
from streams.topics import Partition
from streams.verdicts import decided_row

Watermarks = Mapping[Partition, int]


class Grounds(NamedTuple):
    """What a row was decided on: watermarks by state group as read, and its sweep before it.

    applied: the most that had been applied by then. degraded: no history was read. apart: by a gateway, which
    counts what had been applied and nothing else.
    """

    watermarks: Sequence[Watermarks]
    before: Sequence[tuple[str, int, int]]
    applied: Sequence[Watermarks]
    degraded: bool
    apart: bool = False


class Made(NamedTuple):
    """A decision that a gateway has made: which process, under which ledger, on what."""

    process: str
    era: int
    grounds: Grounds


@dataclass
class SimulatedLedger(FakeLedger):
    """Notes the grounds of every row, and every change of what may not change.

    made: by gateways, whether they were told, kept or neither. conflicts: ids of which a signed answer was
    counted as another than the decision that stands. miscounted: where that count was wrong. hasty: answers
    given out to be sent again though their record was still to be read.
    """

    grounds: dict[str, Grounds] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    eras: int = 0
    allowances: list[tuple[Partition, int]] = field(default_factory=list)
    made: dict[bytes, Made] = field(default_factory=dict)
    conflicts: set[str] = field(default_factory=set)
    miscounted: list[str] = field(default_factory=list)
    hasty: list[str] = field(default_factory=list)

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        before = {name: self.rows.get(name) for name in rows.batch.transaction_id}
        kept = {name: (row.decided, row.owner) for name, row in before.items() if row is not None}
        outcome = super().settle_decisions(step, rows)
        for name, (decided, owner) in kept.items():
            self._compare(name, decided, owner)
        self._note_conflicts(rows, outcome)
        return outcome

    def _note_conflicts(self, rows: DecisionRows, outcome: Settled | Duplicates) -> None:
        """Which answers are not what stands now, by a count of our own."""
        ids = rows.batch.transaction_id
        known = {name: self.rows[name].decided for name in ids if name in self.rows}
        others = [
            name for name in known if name in rows.answered and rows.answered[name].decided != known[name]
        ]
        if isinstance(outcome, Settled):
            if outcome.answer_conflicts != len(others):
                self.miscounted.append(f"of {len(others)} conflicts {outcome.answer_conflicts} were counted")
            self.conflicts |= set(others) if outcome.answer_conflicts else set()
        elif outcome.answer_conflicts:
            self.conflicts |= {name for name in others if name in {ids[row] for row in rows.answers()}}

    def answer(self, answers: Sequence[Answered]) -> dict[str, Answered | ArchivedDecision]:
        kept = {name: (row.decided, row.owner) for name, row in self.rows.items()}
        standing = super().answer(answers)
        for name, (decided, owner) in kept.items():
            self._compare(name, decided, owner)
        self._note_answers([each.decided.transaction_id for each in answers])
        return standing

    def note_made(
        self,
        answers: Sequence[Answered],
        process: str,
        read: Sequence[Watermarks],
        applied: Sequence[Watermarks],
        degraded: bool,
    ) -> None:
        """A gateway has decided, and nobody knows of it yet."""
        made = Made(process, self.eras, Grounds(read, (), applied, degraded, apart=True))
        self.made.update((encode(each.decided), made) for each in answers)

    def _note_answers(self, names: Sequence[str]) -> None:
        """Rows that a gateway has decided stand on what it had read, if that was of this ledger."""
        for name in names:
            made = self.made.get(encode(self.rows[name].decided))
            if made is not None and made.era == self.eras:
                self.grounds.setdefault(name, made.grounds)

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        found = super().unclaimed(topic_id, older_s, limit)
        for each in found:
            place = self.places.get(each.decided.transaction_id)
            if place is None or place.topic_id != topic_id:
                continue
            if self.next_offsets.get(Partition(topic_id, place.partition), 0) <= place.offset:
                self.hasty.append(f"the record at {place} was not read yet, and is produced again")
        return found

    def _compare(self, name: str, decided: object, owner: object) -> None:
        now = self.rows[name]
        if now.decided is not decided:
            self.changed.append(f"the row of {name} was written again")
        if owner is not None and now.owner != owner:
            self.changed.append(f"the row of {name} went from record {owner} to {now.owner}")

    def note_grounds(
        self, rows: DecisionRows, topic_id: str, read: Sequence[Watermarks], applied: Sequence[Watermarks]
    ) -> None:
        """The ledger has just taken these rows: what they stand on."""
        places = [
            (topic_id, int(number), int(offset))
            for number, offset in zip(rows.batch.partition, rows.batch.offset, strict=True)
        ]
        for row, name in enumerate(rows.batch.transaction_id):
            ours = self.rows[name].decided == decided_row(rows, row)
            if not ours and self.rows[name].owner == places[row]:
                self._note_answers([name])
            elif self.rows[name].owner == places[row]:
                degraded = rows.degraded_reason is not None
                self.grounds.setdefault(name, Grounds(read, places[:row], applied, degraded))

    def allow_poison(self, topic: str, partition: Partition, until_offset: int) -> None:
        super().allow_poison(topic, partition, until_offset)
        self.allowances.append((partition, until_offset))

    def _move(self, step: Step) -> None:
        for number, reached in step.reached.items():
            known = self.next_offsets.get(Partition(step.topic_id, number), 0)
            if reached < known:
                self.changed.append(f"progress of {step.topic} {number} went from {known} to {reached}")
        super()._move(step)

    def snapshot(self) -> "SimulatedLedger":
        """A backup."""
        return replace(
            self,
            rows={name: Row(row.decided, row.owner, row.features) for name, row in self.rows.items()},
            labels=dict(self.labels),
            parked=dict(self.parked),
            dead=dict(self.dead),
            next_offsets=dict(self.next_offsets),
            allowed=dict(self.allowed),
            grounds=dict(self.grounds),
            places=dict(self.places),
            conflicts=set(self.conflicts),
        )

    def restore(self, backup: "SimulatedLedger", ledger_id: str) -> None:
        """Put a backup back, under a new id."""
        again = backup.snapshot()
        self.ledger_id = ledger_id
        self.rows, self.labels, self.parked = again.rows, again.labels, again.parked
        self.dead, self.next_offsets, self.grounds = again.dead, again.next_offsets, again.grounds
        self.allowed, self.places, self.conflicts = again.allowed, again.places, again.conflicts
        self.eras += 1


@dataclass
class SimulatedView(FakeView):
    """A view that can lose what it was told. applied: the most that was ever applied, by group."""

    applied: list[dict[Partition, int]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.applied = [{} for _ in range(self.groups)]

    def _apply(self, number: int, view: str, change: Change) -> Applied:
        before = dict(self.state[number].watermarks)
        answer = super()._apply(number, view, change)
        if answer is Applied.NOW:
            for key, mark in self.state[number].watermarks.items():
                if mark < before.get(key, 0):
                    self.changed.append(f"watermark of {key[1]} went from {before[key]} to {mark}")
                self.applied[number][key[1]] = max(mark, self.applied[number].get(key[1], 0))
        return answer

    def watermarks(self, number: int, view: str) -> dict[Partition, int]:
        return {key[1]: mark for key, mark in self.state[number].watermarks.items() if key[0] == view}

    def snapshot(self) -> list[Group]:
        return [Group(group.view, dict(group.watermarks), dict(group.histories)) for group in self.state]

    def lose(self, number: int, earlier: Group) -> None:
        """Go back to an earlier state: the writes since then were never persisted."""
        self.state[number] = Group(earlier.view, dict(earlier.watermarks), dict(earlier.histories))

    def wipe(self) -> None:
        self.state = [Group() for _ in range(self.groups)]

    def forget_applied(self) -> None:
        """After a restore: what an earlier ledger had applied says nothing about this one."""
        self.applied = [{} for _ in range(self.groups)]


EntityName = tuple[Entity, str]
