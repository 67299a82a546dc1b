"""A simulated worker: the poller's rules in one thread of work, around the real pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

import numpy as np

from load.simulation.kafka import Membership, SimulatedKafka
from load.simulation.line import Line
from load.simulation.log import Record
from load.simulation.outbox import SimulatedConsumer, SimulatedOutbox
from load.simulation.pipeline import build_pipeline
from load.simulation.ports import LedgerPort, ViewPort
from load.simulation.stores import SimulatedLedger, SimulatedView
from models.errors import Refused, TopicRemade, Unavailable
from models.history import Retention
from streams.arrivals import Sweep
from streams.assignment import starting_offsets
from streams.gathering import without
from streams.offsets import OwedOffsets, Place

TIMEOUT_S = 1.0
COMMITS_NOW, RETURNS_NOW, BOTH_TOPICS = 0.3, 0.2, 0.3
Rows = list[tuple[int, int, Record]]


@dataclass
class Surroundings:
    """What all workers of a schedule share."""

    kafka: SimulatedKafka
    ledger: SimulatedLedger
    view: SimulatedView
    retention: Retention
    random: Random
    sweep_max_records: int
    wire: list[tuple[int, int]]
    now: Callable[[], datetime]
    new_epoch: Callable[[], str]


class Fenced(Exception):
    """Kafka knows another member by our slot's name."""


class SimulatedWorker:
    """One process in a worker slot, from its start to its death."""

    def __init__(self, name: str, slot: int, around: Surroundings, line: Line, ahead_ms: int) -> None:
        self.name = name
        self.slot = slot
        self.idle = False
        self.consumer = SimulatedConsumer(around.kafka, line, self._membership)
        self.view = ViewPort(around.view, line)
        self._around = around
        self._kafka = around.kafka
        self._line = line
        self._ledger = LedgerPort(around.ledger, self.view, line)
        self._owed, self._starting = OwedOffsets(), OwedOffsets()
        self._outbox = SimulatedOutbox(
            kafka=around.kafka, slot=slot, line=line, member=name, owed=self._owed, wire=around.wire
        )
        pipeline = build_pipeline(
            self._ledger,
            self.view,
            self._outbox,
            retention=around.retention,
            ahead_ms=ahead_ms,
            now=around.now,
            new_epoch=around.new_epoch,
        )
        self._labels = pipeline.labels
        self._handlers = {"transactions": pipeline.transactions.handle, "labels": pipeline.labels.handle}
        self._generation = 0
        self._places: set[Place] = set()
        self._positions: dict[Place, int] = {}
        self._sweeps: list[Sweep] = []
        self._ids: dict[str, str] = {}

    def work(self) -> None:
        """Until something ends it."""
        self._ids = self._topic_ids()
        self._outbox.open()
        self._line.note("starts")
        while True:
            self._turn()

    def has_work(self) -> bool:
        if self.consumer.waiting:
            return not any(map(self._kafka.pending, self.consumer.waiting))
        return not self.idle or bool(self._waiting()) or self._kafka.generation != self._generation

    @property
    def settled(self) -> bool:
        """Nothing read, owed or to be read."""
        waits = self._sweeps or self._owed or self._starting or self._waiting()
        return self.idle and not waits and self._kafka.generation == self._generation

    def _membership(self) -> Membership:
        return Membership(self._generation, self.slot, self.name)

    def _topic_ids(self) -> dict[str, str]:
        return {topic.name: topic.topic_id for topic in self._kafka.topics.values()}

    def _turn(self) -> None:
        self._sync()
        if self._starting:
            self._starting.commit(self.consumer)
        if self._starting:
            self._line.pause()
            return
        if self._line.happens(COMMITS_NOW):
            self._owed.commit(self.consumer)
        if not self._sweeps:
            self._sweeps = self._gathered()
        if self._sweeps:
            self.idle = False
            self._run(self._sweeps.pop(0))
            if self._line.happens(RETURNS_NOW):
                self._return_labels()
        else:
            self._rest()

    def _rest(self) -> None:
        self._owed.commit(self.consumer)
        self._return_labels()
        if not self._owed and not self._waiting():
            self.idle = True
            self._line.pause()

    def _return_labels(self) -> None:
        """As the worker's timer does, on the worker that has the first partition of labels."""
        if ("labels", 0) not in self._places:
            return
        try:
            self._labels.return_ready()
        except Unavailable:
            self._line.note("could not return labels")

    def _run(self, sweep: Sweep) -> None:
        """As `SweepRunner.run`: again while a dependency is away, dropped when refused."""
        self._line.note(f"takes {_spans(sweep)}")
        while True:
            try:
                self._handlers[sweep.topic](sweep)
                return
            except Refused as refusal:
                self._line.note(f"is refused: {refusal}")
                self._rewind()
                return
            except Unavailable:
                if self._line.gives_up():
                    self._line.note("gives up")
                    self._abandon(sweep)
                    return
                self._line.pause()

    def _abandon(self, sweep: Sweep) -> None:
        """After a failed sweep nothing may go on.

        Raises: Fenced.
        """
        raise Fenced("a dependency stayed away")

    def _rewind(self) -> None:
        self._sweeps.clear()
        self._owed.clear()
        self._positions.update(self._starts(sorted(self._places)))

    def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        if self._topic_ids() != self._ids:
            raise TopicRemade("a topic was made again while it was read")
        return starting_offsets(self.consumer, places, self._ids, self._ledger.progress, TIMEOUT_S)

    def _sync(self) -> None:
        """Take note of a rebalance: drop what went, start with what came."""
        if self._kafka.members.get(self.slot) != self.name:
            raise Fenced("another member has this slot")
        if self._kafka.generation == self._generation:
            return
        owners = self._kafka.owners
        mine = {place for place, (slot, _) in owners.items() if slot == self.slot}
        kept = {place for place in mine & self._places if owners[place][1] <= self._generation}
        self._drop(self._places - kept)
        self._generation = self._kafka.generation
        self.idle = False
        given = sorted(mine - kept)
        starts = self._starts(given)
        self._positions.update(starts)
        self._places |= set(given)
        self._starting.later(starts)
        self._line.note(f"is given {starts}, keeps {sorted(kept)}")

    def _drop(self, places: set[Place]) -> None:
        self._places -= places
        for place in places:
            self._positions.pop(place, None)
        self._sweeps = [kept for sweep in self._sweeps if len(kept := without(sweep, places))]
        self._owed.drop(places)
        self._starting.drop(places)

    def _waiting(self) -> list[Place]:
        topics = self._kafka.topics
        return [
            (name, number)
            for name, number in sorted(self._positions)
            if topics[name].next_record(number, self._positions[name, number]) is not None
        ]

    def _gathered(self) -> list[Sweep]:
        """What waits, as one sweep of a topic, or of each."""
        waiting = self._waiting()
        names = sorted({name for name, _ in waiting}, reverse=self._line.happens(0.5))
        if len(names) == 2 and not self._line.happens(BOTH_TOPICS):
            names = names[:1]
        return [self._sweep(name, [number for each, number in waiting if each == name]) for name in names]

    def _sweep(self, name: str, numbers: list[int]) -> Sweep:
        random, topic = self._around.random, self._kafka.topics[name]
        size = random.randint(1, self._around.sweep_max_records)
        rows: Rows = []
        while numbers and len(rows) < size:
            number = random.choice(numbers)
            offset = topic.next_record(number, self._positions[name, number])
            if offset is None:
                numbers.remove(number)
                continue
            record = topic.partitions[number][offset]
            assert record is not None
            rows.append((number, offset, record))
            self._positions[name, number] = offset + 1
        return Sweep(
            name,
            self._ids[name],
            np.array([number for number, _, _ in rows], np.int64),
            np.array([offset for _, offset, _ in rows], np.int64),
            np.array([record.timestamp_ms for _, _, record in rows], np.int64),
            [record.key for _, _, record in rows],
            [record.value for _, _, record in rows],
            self._membership(),
        )


def _spans(sweep: Sweep) -> str:
    places = zip(sweep.partition.tolist(), sweep.offset.tolist(), strict=True)
    return f"{sweep.topic} " + " ".join(f"{number}:{offset}" for number, offset in places)
