"""In-memory doubles of the sweep's neighbours. They obey the contract tests that the real ones obey."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.decision import DecidedTransaction
from models.errors import ProgressMoved
from models.features import ENTITIES, Entity
from models.history import EVENT, MARK, pack
from models.label import Label, fraud_mark
from streams.arrivals import DeadLetter
from streams.codecs import encode
from streams.ports import (
    Additions,
    Applied,
    Change,
    DecisionRows,
    Duplicates,
    GroupState,
    LabelsSettled,
    Mark,
    ParkedLabel,
    Place,
    Recorded,
    Settled,
    Step,
    ViewRead,
)
from streams.topics import Partition
from streams.verdicts import decided_row
from streams.view.keys import group_of

Owner = tuple[str, int, int] | None  # topic id, partition, offset; None while REST waits for its record


@dataclass
class Row:
    """A row of the ledger's table of decisions."""

    decided: DecidedTransaction
    owner: Owner
    features: np.ndarray[Any, Any]


@dataclass
class LabelRow:
    label: Label
    owner: tuple[str, int, int]
    delta: int


@dataclass
class FakeLedger:
    """`streams.ports.Ledger` in memory."""

    ledger_id: str = "ledger-1"
    rows: dict[str, Row] = field(default_factory=dict)
    labels: dict[tuple[str, int], LabelRow] = field(default_factory=dict)
    parked: dict[tuple[str, int, int], Label] = field(default_factory=dict)
    dead: dict[tuple[str, int, int], tuple[str, str]] = field(default_factory=dict)
    next_offsets: dict[Partition, int] = field(default_factory=dict)

    def identity(self) -> str:
        return self.ledger_id

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        return {number: self.next_offsets.get(Partition(topic_id, number), 0) for number in numbers}

    def all_progress(self) -> dict[Partition, int]:
        return dict(self.next_offsets)

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        row = self.rows.get(transaction_id)
        return row.decided if row else None

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        self._check(step)
        batch = rows.batch
        claimed: dict[int, DecidedTransaction] = {}
        duplicates, conflicts = [], []
        for row, transaction_id in enumerate(batch.transaction_id):
            found = self.rows.get(transaction_id)
            if found is None:
                continue
            same = batch.body(row) == body(found.decided)
            if same and found.owner is None:
                claimed[row] = found.decided
                continue
            duplicates.append(row)
            if not same:
                conflicts.append(row)
        if duplicates:
            return Duplicates(duplicates, conflicts)
        for row, transaction_id in enumerate(batch.transaction_id):
            owner = (step.topic_id, int(batch.partition[row]), int(batch.offset[row]))
            if row in claimed:
                self.rows[transaction_id].owner = owner
            else:
                self.rows[transaction_id] = Row(decided_row(rows, row), owner, rows.features[row])
        self._move(step)
        return Settled(claimed)

    def settle_labels(self, step: Step, places: Sequence[Place], labels: Sequence[Label]) -> LabelsSettled:
        self._check(step)
        marks: list[Mark] = []
        parked = 0
        for (number, offset), label in zip(places, labels, strict=True):
            row = self.rows.get(label.transaction_id)
            owner = (step.topic_id, number, offset)
            if row is None:
                self.parked[owner] = label
                parked += 1
            elif (label.transaction_id, label.version) not in self.labels:
                marks.append(self._accept(label, row, owner))
        self._move(step)
        return LabelsSettled(marks, parked, len(labels) - parked - len(marks))

    def _accept(self, label: Label, row: Row, owner: tuple[str, int, int]) -> Mark:
        before = self.latest_label(label.transaction_id)
        self.labels[label.transaction_id, label.version] = LabelRow(label, owner, 0)
        delta = fraud_mark(self.latest_label(label.transaction_id)) - fraud_mark(before)
        self.labels[label.transaction_id, label.version].delta = delta
        return mark_of(row.decided, delta)

    def latest_label(self, transaction_id: str) -> str | None:
        versions = {version: row for (name, version), row in self.labels.items() if name == transaction_id}
        return versions[max(versions)].label.label if versions else None

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        def inside(owner: Owner) -> bool:
            if owner is None or owner[0] != topic_id or owner[1] not in spans:
                return False
            return spans[owner[1]][0] <= owner[2] < spans[owner[1]][1]

        decisions = {
            row.owner[1:]: row.decided for row in self.rows.values() if row.owner and inside(row.owner)
        }
        return Recorded(decisions, {place[1:]: why for place, why in self.dead.items() if inside(place)})

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        found: list[tuple[int, DecidedTransaction, int | None]] = []
        for row in self.rows.values():
            if row.owner and row.owner[:2] == tuple(partition) and start <= row.owner[2] < stop:
                found.append((row.owner[2], row.decided, None))
        for mark in self.labels.values():
            if mark.owner[:2] == tuple(partition) and start <= mark.owner[2] < stop:
                found.append((mark.owner[2], self.rows[mark.label.transaction_id].decided, mark.delta))
        found.sort(key=lambda each: each[0])
        reached = stop if len(found) < limit else found[limit - 1][0] + 1
        return additions_of_rows(found[:limit]), reached

    def ready_labels(self, limit: int) -> list[ParkedLabel]:
        ready = [
            ParkedLabel(place, label.customer_id.encode(), encode(label))
            for place, label in sorted(self.parked.items())
            if label.transaction_id in self.rows
        ]
        return ready[:limit]

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        for label in labels:
            self.parked.pop(label.place, None)

    def _check(self, step: Step) -> None:
        if self.progress(step.topic_id, list(step.expected)) != dict(step.expected):
            raise ProgressMoved(f"{step.topic} is elsewhere")

    def _move(self, step: Step) -> None:
        for number, reached in step.reached.items():
            self.next_offsets[Partition(step.topic_id, number)] = reached
        for letter in step.dead:
            self.dead[step.topic_id, letter.partition, letter.offset] = (letter.reason, letter.detail)


def body(found: DecidedTransaction) -> tuple[object, ...]:
    """As `Batch.body`."""
    event_time_ms = round(found.event_time.timestamp() * 1000)
    return (found.customer_id, found.terminal_id, found.amount_minor, event_time_ms, found.attributes)


def mark_of(decided: DecidedTransaction, delta: int) -> Mark:
    return Mark(decided.terminal_id, int(decided.event_time.timestamp()), 0 if decided.late else delta)


def additions_of_rows(found: Sequence[tuple[int, DecidedTransaction, int | None]]) -> Additions:
    """Decisions (without a delta) and labels (with one) as what they append."""
    ids: dict[Entity, list[str]] = {entity: [] for entity in ENTITIES}
    packed: dict[Entity, list[Any]] = {entity: [pack(*_one(0, 0), EVENT)[:0]] for entity in ENTITIES}
    for _, decided, delta in found:
        time_s = int(decided.event_time.timestamp())
        if decided.late or delta == 0:
            continue
        ids["terminal"].append(decided.terminal_id)
        packed["terminal"].append(pack(*_one(time_s, delta or 0), EVENT if delta is None else MARK))
        if delta is None:
            ids["customer"].append(decided.customer_id)
            packed["customer"].append(pack(*_one(time_s, decided.amount_minor), EVENT))
    return Additions(ids, {entity: np.concatenate(packed[entity]) for entity in ENTITIES})


def _one(time_s: int, payload: int) -> tuple[Any, Any]:
    return np.array([time_s], np.int64), np.array([payload], np.int64)


@dataclass
class Group:
    """One state group of the fake view."""

    view: str | None = None
    watermarks: dict[tuple[str, Partition], int] = field(default_factory=dict)  # by view
    histories: dict[tuple[str, Entity, str], bytes] = field(default_factory=dict)


@dataclass
class FakeView:
    """`streams.ports.View` in memory. `reconnect` is what a restart looks like from outside."""

    groups: int = 1
    connections: int = 1
    state: list[Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self.state or [Group() for _ in range(self.groups)]

    def reconnect(self) -> None:
        self.connections += 1

    def read(
        self,
        views: Mapping[int, str],
        partitions: Sequence[Partition],
        wanted: Mapping[Entity, Sequence[str]],
    ) -> ViewRead:
        states = []
        for number, group in enumerate(self.state):
            view = views.get(number, "")
            marks = {partition: group.watermarks.get((view, partition), 0) for partition in partitions}
            states.append(GroupState(group.view, marks))
        histories = {
            entity: [self._history(views, entity, name) for name in names] for entity, names in wanted.items()
        }
        return ViewRead(states, histories)

    def _history(self, views: Mapping[int, str], entity: Entity, name: str) -> bytes | None:
        number = group_of(entity, name, self.groups)
        return self.state[number].histories.get((views.get(number, ""), entity, name))

    def apply(self, change: Change) -> dict[int, Applied]:
        return {number: self._apply(number, view, change) for number, view in change.views.items()}

    def _apply(self, number: int, view: str, change: Change) -> Applied:
        group = self.state[number]
        moves = {partition: move for partition, move in change.moves.items() if move[0] != move[1]}
        if not moves:
            return Applied.BEFORE
        if group.view != view:
            return Applied.REFUSED
        marks = {partition: group.watermarks.get((view, partition), 0) for partition in moves}
        if all(marks[partition] >= move[1] for partition, move in moves.items()):
            return Applied.BEFORE
        if any(marks[partition] != move[0] for partition, move in moves.items()):
            return Applied.REFUSED
        group.watermarks |= {(view, partition): move[1] for partition, move in moves.items()}
        self._write(number, group, view, change)
        return Applied.NOW

    def _write(self, number: int, group: Group, view: str, change: Change) -> None:
        for entity, rewrites in change.rewrites.items():
            for name, (before, after) in rewrites.items():
                if group.histories.get((view, entity, name)) == before:
                    group.histories[view, entity, name] = after
        for entity in ENTITIES:
            names, packed = change.additions.ids[entity], change.additions.records[entity]
            for position, name in enumerate(names):
                if group_of(entity, name, self.groups) == number:
                    key = (view, entity, name)
                    record = packed[position : position + 1].tobytes()
                    group.histories[key] = group.histories.get(key, b"") + record

    def names(self, views: Mapping[int, str]) -> Iterator[tuple[Entity, str]]:
        for number, view in views.items():
            for found, entity, name in self.state[number].histories:
                if found == view:
                    yield entity, name

    def adopt(self, group: int, found: str | None, view: str) -> bool:
        if self.state[group].view != found:
            return False
        self.state[group] = replace(Group(), view=view)
        return True


@dataclass
class FakeOutbox:
    """`streams.ports.Outbox` in memory: what a read-committed subscriber would see."""

    alerts: list[DecidedTransaction] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    returned: list[ParkedLabel] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        self.before()
        self.alerts += alerts
        self.dead += dead
        self.offsets |= offsets

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        self.before()
        self.returned += labels
