"""Histories twice: as the view holds them, and as the ledger's rows give them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.errors import ViewMoved
from models.features import ENTITIES, Entity
from models.history import EVENT, MARK, RECORD, Retention, compacted, pack
from streams.ledger.scan import MarkRow, OwnedRow
from streams.ports import Ledger, View
from streams.topics import Partition

ENTITIES_AT_ONCE = 2000

Watermarks = Mapping[Partition, int]


@dataclass(frozen=True)
class SeenHistories:
    """Histories of the view, each with the watermarks that were read with it.

    before: watermarks from before the first history was read, for those that were not there.
    """

    found: Mapping[tuple[Entity, str], tuple[bytes, Watermarks]]
    before: Watermarks

    def names(self, entity: Entity) -> set[str]:
        return {name for kind, name in self.found if kind == entity}

    def history(self, entity: Entity, name: str) -> tuple[bytes, Watermarks]:
        return self.found.get((entity, name), (b"", self.before))


def read_histories(view: View, ledger: Ledger) -> SeenHistories:
    """Everything the view holds now.

    Raises:
        ViewMoved: the view was begun anew meanwhile.
    """
    while True:
        partitions = list(ledger.all_progress())
        seen = _read(view, partitions)
        # What a partition has added that nobody had settled before would be more than the watermarks tell.
        if len(ledger.all_progress()) == len(partitions):
            return seen


def _read(view: View, partitions: list[Partition]) -> SeenHistories:
    groups = view.read({}, [], {}).groups
    views = {number: state.view for number, state in enumerate(groups) if state.view is not None}
    before = _least(view, views, partitions, {})[1]
    names: dict[Entity, list[str]] = {entity: [] for entity in ENTITIES}
    for entity, name in view.names(views):
        names[entity].append(name)
    found: dict[tuple[Entity, str], tuple[bytes, Watermarks]] = {}
    for entity in ENTITIES:
        for start in range(0, len(names[entity]), ENTITIES_AT_ONCE):
            some = names[entity][start : start + ENTITIES_AT_ONCE]
            histories, watermarks = _least(view, views, partitions, {entity: some})
            for name, raw in zip(some, histories[entity], strict=True):
                found[entity, name] = (raw or b"", watermarks)
    return SeenHistories(found, before)


def _least(
    view: View, views: Mapping[int, str], partitions: list[Partition], wanted: Mapping[Entity, list[str]]
) -> tuple[Mapping[Entity, list[bytes | None]], Watermarks]:
    """Histories of one kind of entity, and what every group has applied.

    With several groups, one that is ahead of another makes its histories look too full for a moment.
    """
    read = view.read(views, partitions, wanted)
    if {number: state.view for number, state in enumerate(read.groups) if state.view is not None} != views:
        raise ViewMoved("the view was begun anew while it was read", next_step="run it again")
    watermarks = {
        partition: min((state.watermarks[partition] for state in read.groups), default=0)
        for partition in partitions
    }
    return {entity: list(raws) for entity, raws in read.histories.items()}, watermarks


class Recomputed:
    """Histories as the ledger's rows give them."""

    def __init__(self, rows: list[OwnedRow], marks: list[MarkRow]) -> None:
        self._records: dict[Entity, dict[str, list[tuple[Partition, int, bytes]]]] = {e: {} for e in ENTITIES}
        applied = [row for row in rows if row.topic_id is not None and not row.late]
        amounts = _records(applied, [row.amount_minor for row in applied], EVENT)
        visits = _records(applied, [0] * len(applied), EVENT)
        for row, amount, visit in zip(applied, amounts, visits, strict=True):
            place = (Partition(row.topic_id or "", row.partition or 0), row.offset or 0)
            self._add("customer", row.customer_id, (*place, amount))
            self._add("terminal", row.terminal_id, (*place, visit))
        for mark, raw in zip(marks, _records(marks, [mark.delta for mark in marks], MARK), strict=True):
            self._add(
                "terminal", mark.terminal_id, (Partition(mark.topic_id, mark.partition), mark.offset, raw)
            )

    def _add(self, entity: Entity, name: str, record: tuple[Partition, int, bytes]) -> None:
        self._records[entity].setdefault(name, []).append(record)

    def names(self, entity: Entity) -> set[str]:
        return set(self._records[entity])

    def history(self, entity: Entity, name: str, watermarks: Watermarks) -> bytes:
        """What is below the watermarks."""
        records = self._records[entity].get(name, [])
        return b"".join(raw for partition, offset, raw in records if offset < watermarks.get(partition, 0))


def _records(rows: list[OwnedRow] | list[MarkRow], payload: list[int], kind: int) -> list[bytes]:
    times = np.array([row.time_s for row in rows], np.int64)
    raw = pack(times, np.array(payload, np.int64), kind).tobytes()
    return [raw[start : start + RECORD.itemsize] for start in range(0, len(raw), RECORD.itemsize)]


def canonical(raw: bytes, entity: Entity, retention: Retention) -> bytes:
    """The same for histories that mean the same: compacted as far as can be, in one order."""
    small = np.frombuffer(compacted(raw, entity, retention), RECORD)
    return np.sort(small, order=["time_s", "value"]).tobytes()
