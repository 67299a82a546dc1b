"""`streams.reconcile.ports.Books` over a ledger in memory."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from load.doubles.answers import Row
from load.doubles.ledger import FakeLedger
from models.archived import ArchivedDecision
from models.features import ENTITIES, Entity
from models.history import EVENT, MARK
from models.label import Label
from streams.reconcile.ports import (
    Decided,
    LabelBody,
    LabelKey,
    Piece,
    Restored,
    Spans,
    Stray,
    TransactionBody,
    Unclaimed,
    Wanted,
    body_of,
)
from streams.topics import Partition

Key = tuple[Entity, str]
EVERYTHING = 1 << 62


class Entry(NamedTuple):
    """One record of a history. owner: the record that it came with."""

    partition: Partition
    offset: int
    time_s: int
    payload: int
    kind: int


@dataclass
class FakeBooks:
    """piece_records: how much of a history is told at once. restored: how often, oldest first."""

    ledger: FakeLedger
    piece_records: int = 4096
    restored: Sequence[Restored] = ()

    def rows(self, partition: Partition, start: int, stop: int) -> dict[int, TransactionBody]:
        return {at: body_of(row.decided) for at, row in self._decisions(partition, start, stop)}

    def accepted(self, partition: Partition, start: int, stop: int) -> dict[int, LabelBody]:
        owned = [row for row in self._labels() if _lies(row.owner, partition, start, stop)]
        return {row.owner[2]: _label_body(row.label) for row in owned}

    def parked(self, partition: Partition, start: int, stop: int) -> dict[int, LabelKey]:
        here = [place for place in self._reached().parked if _lies(place, partition, start, stop)]
        return {place[2]: _key(self._reached().parked[place].record.label) for place in here}

    def dead(self, partition: Partition, start: int, stop: int) -> set[int]:
        return {place[2] for place in self._reached().dead if _lies(place, partition, start, stop)}

    def counts(self, partition: Partition, start: int, stop: int) -> tuple[int, int]:
        here = (partition, start, stop)
        return len(self.rows(*here)) + len(self.accepted(*here)), len(self.dead(*here))

    def flagged(self, partition: Partition, start: int, stop: int) -> Iterator[str]:
        for _, row in sorted(self._decisions(partition, start, stop), key=lambda each: each[0]):
            if row.decided.decision != "approve":
                yield row.decided.transaction_id

    def decided(self, transaction_ids: Sequence[str]) -> dict[str, Decided]:
        found = self._reached().rows
        return {name: _decided(found[name]) for name in transaction_ids if name in found}

    def archived(self, transaction_ids: Sequence[str]) -> dict[str, ArchivedDecision]:
        held = self._reached().left
        return {name: held[name] for name in transaction_ids if name in held}

    def waiting(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        return {_key(each.record.label) for each in self._reached().parked.values()} & set(keys)

    def labelled(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        return self._reached().labels.keys() & set(keys)

    def unclaimed(self, before: datetime, most: int) -> Unclaimed:
        waiting = [row.decided for row in self._reached().rows.values() if row.owner is None]
        overdue = sorted(each.transaction_id for each in waiting if each.decided_at < before)
        return Unclaimed(len(waiting), len(overdue), overdue[:most])

    def strays(self, most: int) -> list[Stray]:
        ledger = self._reached()
        tables: dict[str, list[Any]] = {
            "a decision": [row.owner for row in ledger.rows.values() if row.owner],
            "a label": [row.owner for row in ledger.labels.values()],
            "a parked label": list(ledger.parked),
            "a dead letter": list(ledger.dead),
        }
        found = []
        for what, places in tables.items():
            for partition, progress in ledger.next_offsets.items():
                above = sorted(each[2] for each in places if _lies(each, partition, progress, EVERYTHING))
                found += [Stray(what, partition, at) for at in above[:most]]
        return found

    def owners(self) -> dict[Partition, int]:
        found: dict[Partition, int] = defaultdict(int)
        for row in self._reached().rows.values():
            if row.owner:
                found[Partition(*row.owner[:2])] += 1
        return dict(found)

    def dangling(self, most: int) -> tuple[int, list[str]]:
        """None: in memory a row holds its scoring, and topics have no numbers."""
        return 0, []

    def unbalanced(self, most: int) -> tuple[int, list[str]]:
        changed: dict[str, int] = defaultdict(int)
        latest: dict[str, str] = {}
        for (transaction_id, _), row in sorted(self._reached().labels.items()):
            changed[transaction_id] += row.delta
            latest[transaction_id] = row.label.label
        wrong = sorted(name for name, sum_ in changed.items() if sum_ != (latest[name] == "fraud"))
        return len(wrong), wrong[:most]

    def restores(self) -> list[Restored]:
        return list(self.restored)

    @contextmanager
    def snapshot(self, wanted: Wanted) -> Iterator["FakeSnapshot"]:
        seen = list(wanted.seen)
        progress = dict(sorted(self._reached().next_offsets.items()))
        histories = self._histories()
        if wanted.spans is not None:
            histories = {key: found for key, found in histories.items() if _any_in(found, wanted.spans)}
        for key in seen:
            histories.setdefault(key, [])
        times_s = [int(each.decision.event_time.timestamp()) for each in self._reached().left.values()]
        from_s = (max(times_s) // 3600 + 1) * 3600 if times_s else 0
        yield FakeSnapshot(progress, histories, self.piece_records, from_s)

    def settled(self, spans: Spans, names: Mapping[Entity, Sequence[str]]) -> list[Piece]:
        found = []
        for key, entries in self._histories().items():
            inside = [entry for entry in entries if _any_in([entry], spans)]
            if inside and key[1] in names[key[0]]:
                found.append(_piece(key, inside, len(inside), list(spans)))
        return found

    def _decisions(self, partition: Partition, start: int, stop: int) -> list[tuple[int, Row]]:
        rows = self._reached().rows.values()
        return [(row.owner[2], row) for row in rows if row.owner and _lies(row.owner, partition, start, stop)]

    def _labels(self) -> list[Any]:
        return list(self._reached().labels.values())

    def _histories(self) -> dict[Key, list[Entry]]:
        """What the rows add to histories, as `FakeLedger.additions` has it."""
        found: dict[Key, list[Entry]] = defaultdict(list)
        ledger = self._reached()
        for row in ledger.rows.values():
            decided = row.decided
            if row.owner and not decided.late:
                place = (Partition(*row.owner[:2]), row.owner[2], int(decided.event_time.timestamp()))
                found["customer", decided.customer_id].append(Entry(*place, decided.amount_minor, EVENT))
                found["terminal", decided.terminal_id].append(Entry(*place, 0, EVENT))
        for label in self._labels():
            marked = ledger.rows.get(label.label.transaction_id)
            if marked and label.delta and not (decided := marked.decided).late:
                place = (Partition(*label.owner[:2]), label.owner[2], int(decided.event_time.timestamp()))
                found["terminal", decided.terminal_id].append(Entry(*place, label.delta, MARK))
        return dict(found)

    def _reached(self) -> FakeLedger:
        self.ledger.identity()  # raises where the ledger is out of reach
        return self.ledger


@dataclass(frozen=True)
class FakeSnapshot:
    progress: Mapping[Partition, int]
    histories: Mapping[Key, list[Entry]]
    piece_records: int
    whole_from_s: int = 0

    def pieces(self) -> Iterator[Piece]:
        for key in sorted(self.histories, key=lambda key: (ENTITIES.index(key[0]), key[1])):
            entries = self.histories[key]
            for start in range(0, max(1, len(entries)), self.piece_records):
                some = entries[start : start + self.piece_records]
                yield _piece(key, some, len(entries), list(self.progress))


def _piece(key: Key, entries: list[Entry], total: int, partitions: list[Partition]) -> Piece:
    columns = (
        [partitions.index(entry.partition) for entry in entries],
        [entry.offset for entry in entries],
        [entry.time_s for entry in entries],
        [entry.payload for entry in entries],
        [entry.kind for entry in entries],
    )
    return Piece(*key, total, *(np.array(each, np.int64) for each in columns))


def _any_in(entries: list[Entry], spans: Spans) -> bool:
    return any(
        entry.partition in spans and spans[entry.partition][0] <= entry.offset < spans[entry.partition][1]
        for entry in entries
    )


def _lies(owner: tuple[str, int, int], partition: Partition, start: int, stop: int) -> bool:
    return owner[:2] == tuple(partition) and start <= owner[2] < stop


def _decided(row: Row) -> Decided:
    owner = (Partition(*row.owner[:2]), row.owner[2]) if row.owner else None
    return Decided(owner, row.decided)


def _label_body(label: Label) -> LabelBody:
    verdict = (label.label_id, label.label, label.source, label.event_time)
    return (label.transaction_id, label.version, *verdict)


def _key(parked: Label) -> LabelKey:
    return parked.transaction_id, parked.version
