"""What a simulated worker reads: from where on, and as which sweeps."""

from collections.abc import Mapping, Sequence
from random import Random

import numpy as np

from load.simulation.kafka import Membership, SimulatedKafka
from load.simulation.log import Record
from streams.arrivals import Sweep
from streams.gathering import without
from streams.offsets import Place

Rows = list[tuple[int, int, Record]]


class SimulatedIntake:
    """positions: of the partitions that are ours. held: where some of them are read no further."""

    def __init__(self, kafka: SimulatedKafka, random: Random, most: int) -> None:
        self._kafka = kafka
        self._random = random
        self._most = most
        self.positions: dict[Place, int] = {}
        self.held: dict[Place, int] = {}
        self.sweeps: list[Sweep] = []

    def drop(self, places: Sequence[Place]) -> None:
        for place in places:
            self.positions.pop(place, None)
            self.held.pop(place, None)
        self._forget(places)

    def hold(self, offsets: Mapping[Place, int]) -> None:
        self.held |= offsets
        self.positions |= offsets
        self._forget(list(offsets))

    def _forget(self, places: Sequence[Place]) -> None:
        self.sweeps = [kept for sweep in self.sweeps if len(kept := without(sweep, {*places}))]

    def waiting(self) -> list[Place]:
        """The partitions with something to read."""
        topics = self._kafka.topics
        return [
            (name, number)
            for name, number in sorted(self.positions)
            if (name, number) not in self.held
            and topics[name].next_record(number, self.positions[name, number]) is not None
        ]

    def gathered(
        self, topic_ids: Mapping[str, str], group: Membership, both: bool, backwards: bool
    ) -> list[Sweep]:
        """What waits, as one sweep of a topic, or of each."""
        waiting = self.waiting()
        names = sorted({name for name, _ in waiting}, reverse=backwards)
        chosen = names if both else names[:1]
        return [
            self._sweep(name, topic_ids[name], [number for each, number in waiting if each == name], group)
            for name in chosen
        ]

    def _sweep(self, name: str, topic_id: str, numbers: list[int], group: Membership) -> Sweep:
        rows = self._taken(name, numbers)
        records = [record for _, _, record in rows]
        return Sweep(
            name,
            topic_id,
            np.array([number for number, _, _ in rows], np.int64),
            np.array([offset for _, offset, _ in rows], np.int64),
            np.array([record.timestamp_ms for record in records], np.int64),
            [record.key for record in records],
            [record.value for record in records],
            group,
            [record.headers for record in records],
            group.generation,
        )

    def _taken(self, name: str, numbers: list[int]) -> Rows:
        """Records of some partitions, as they happen to come, in order within each."""
        topic = self._kafka.topics[name]
        size = self._random.randint(1, self._most)
        rows: Rows = []
        while numbers and len(rows) < size:
            number = self._random.choice(numbers)
            offset = topic.next_record(number, self.positions[name, number])
            if offset is None:
                numbers.remove(number)
                continue
            record = topic.partitions[number][offset]
            assert record is not None
            rows.append((number, offset, record))
            self.positions[name, number] = offset + 1
        return rows
