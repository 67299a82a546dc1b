"""Ledger and view doubles with what the simulator wants to know: who wrote what on which grounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from load.doubles import FakeLedger, FakeView, Group, Row
from models.features import Entity
from streams.ports import Applied, Change, DecisionRows, Duplicates, Settled, Step
from streams.topics import Partition

Watermarks = Mapping[Partition, int]


class Grounds(NamedTuple):
    """What a row was decided on: watermarks by state group as read, and its sweep before it.

    applied: the most that had been applied by then. degraded: no history was read.
    """

    watermarks: Sequence[Watermarks]
    before: Sequence[tuple[str, int, int]]
    applied: Sequence[Watermarks]
    degraded: bool


@dataclass
class SimulatedLedger(FakeLedger):
    """Notes the grounds of every row, and every change of what may not change."""

    grounds: dict[str, Grounds] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    eras: int = 0
    allowances: list[tuple[Partition, int]] = field(default_factory=list)

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        before = {name: self.rows.get(name) for name in rows.batch.transaction_id}
        kept = {name: (row.decided, row.owner) for name, row in before.items() if row is not None}
        outcome = super().settle_decisions(step, rows)
        for name, (decided, owner) in kept.items():
            self._compare(name, decided, owner)
        return outcome

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
            if self.rows[name].owner == places[row]:
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
        )

    def restore(self, backup: "SimulatedLedger", ledger_id: str) -> None:
        """Put a backup back, under a new id."""
        again = backup.snapshot()
        self.ledger_id = ledger_id
        self.rows, self.labels, self.parked = again.rows, again.labels, again.parked
        self.dead, self.next_offsets, self.grounds = again.dead, again.next_offsets, again.grounds
        self.allowed = again.allowed
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
