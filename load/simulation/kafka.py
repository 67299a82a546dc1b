"""The broker double: the group, its offsets, and transactions in flight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from load.doubles import FakeKafka
from load.simulation.log import Record, Topic
from models.decision import DecidedTransaction
from streams.arrivals import EXPIRED_HEADER, DeadLetter, Headers
from streams.offsets import Place
from streams.ports import ParkedLabel


class Membership(NamedTuple):
    """The group's metadata as a consumer holds it: who it is, and since which rebalance."""

    generation: int
    slot: int
    member: str


class Seen(NamedTuple):
    """What a read-committed subscriber saw, and under which ledger. topic_id: of a dead letter's record."""

    sent: DecidedTransaction | DeadLetter
    era: int
    topic_id: str = ""


@dataclass
class Transaction:
    """A Kafka transaction in flight."""

    member: str
    era: int
    alerts: list[DecidedTransaction] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    labels: list[ParkedLabel] = field(default_factory=list)
    offsets: dict[Place, int] = field(default_factory=dict)


@dataclass
class SimulatedKafka(FakeKafka):
    """Topics, one consumer group, and a transaction per worker slot.

    owners: which slot has each partition. seen_alerts, seen_dead: with their era.
    back: commits that went back although the ledger was not restored. reachable: whether it takes records of
    gateways. drops: whether what has waited for it may be given up.
    """

    topics: dict[str, Topic] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)
    owners: dict[Place, int] = field(default_factory=dict)
    flights: dict[int, Transaction] = field(default_factory=dict)
    seen_alerts: list[Seen] = field(default_factory=list)
    seen_dead: list[Seen] = field(default_factory=list)
    committed_era: dict[Place, int] = field(default_factory=dict)
    back: list[str] = field(default_factory=list)
    era: int = 0
    clock_ms: int = 0
    reachable: bool = True
    drops: bool = True

    def places(self) -> list[Place]:
        return [
            (topic.name, number) for topic in self.topics.values() for number in range(len(topic.partitions))
        ]

    def append(
        self, topic: str, number: int, key: bytes | None, value: bytes | None, headers: Headers = None
    ) -> None:
        self.topics[topic].partitions[number].append(Record(key, value, self.clock_ms, headers))

    def rebalance(self, dealt: Mapping[Place, int]) -> None:
        """A new generation, in which partitions belong to these slots."""
        self.generation += 1
        self.owners |= dealt

    def speaks_for_group(self, membership: Membership) -> bool:
        return (
            membership.generation == self.generation
            and self.members.get(membership.slot) == membership.member
        )

    def pending(self, place: Place) -> bool:
        """Whether a transaction in flight may yet move the partition's offset."""
        return any(place in flight.offsets for flight in self.flights.values())

    def commit_offsets(self, offsets: Mapping[Place, int], era: int) -> None:
        for place, offset in offsets.items():
            if place[0] not in self.topics or place[1] >= len(self.topics[place[0]].partitions):
                continue
            known = self.offsets.get(place, 0)
            if offset < known and self.committed_era.get(place) == era:
                self.back.append(f"committed offset of {place[0]} {place[1]} went from {known} to {offset}")
            self.offsets[place] = offset
            self.committed_era[place] = era

    # A slot's transactions. `epoch` is what the slot's outbox was given when it opened.

    def fence(self, slot: int) -> int:
        """A new epoch for a slot; what its last holder left open is aborted."""
        self.abort(slot)
        self.holders[slot] = self.holders.get(slot, 0) + 1
        return self.holders[slot]

    def begin(self, slot: int, member: str) -> None:
        self.flights.setdefault(slot, Transaction(member, self.era))

    def stage(self, slot: int, alerts: Sequence[DecidedTransaction], dead: Sequence[DeadLetter]) -> None:
        self.flights[slot].alerts += alerts
        self.flights[slot].dead += dead

    def stage_labels(self, slot: int, labels: Sequence[ParkedLabel]) -> None:
        self.flights[slot].labels += labels

    def stage_offsets(self, slot: int, offsets: Mapping[Place, int]) -> None:
        self.flights[slot].offsets |= offsets

    def abort(self, slot: int) -> None:
        flight = self.flights.pop(slot, None)
        if flight is not None:
            self._leave_holes(flight)

    def commit(self, slot: int) -> None:
        """Make everything visible at once. A repeat of a commit that was done does nothing."""
        flight = self.flights.pop(slot, None)
        if flight is None:
            return
        self.show(flight.alerts, flight.dead, flight.era)
        for label in flight.labels:
            topic = self.topics["labels"]
            number = topic.partition_of(label.key or b"")
            headers = [(EXPIRED_HEADER, b"true")] if label.expired else None
            self.append("labels", number, label.key, label.value, headers)
            topic.partitions[number].append(None)
        self.commit_offsets(flight.offsets, flight.era)

    def show(self, alerts: Sequence[DecidedTransaction], dead: Sequence[DeadLetter], era: int) -> None:
        self.alerts += alerts
        self.dead += dead
        self.seen_alerts += [Seen(alert, era) for alert in alerts]
        self.seen_dead += [Seen(letter, era, self.topics[letter.topic].topic_id) for letter in dead]

    def _leave_holes(self, flight: Transaction) -> None:
        for label in flight.labels:
            topic = self.topics["labels"]
            topic.partitions[topic.partition_of(label.key or b"")].append(None)
