"""`streams.ports.Outbox` in memory, and the Kafka that it goes out to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.decision import DecidedTransaction
from models.errors import AssignmentLost, KafkaUnavailable, SlotTaken
from streams.arrivals import DeadLetter
from streams.ports import ParkedLabel
from streams.topics import LARGEST_DEAD_LETTER_BYTES

Offsets = dict[tuple[str, int], int]


@dataclass
class FakeKafka:
    """What a read-committed subscriber sees, what the group has committed, and who may commit.

    generation: counts the rebalances; whoever speaks for an older one is refused. holders: how many outboxes
    each worker slot has had; all but the latest are fenced.
    """

    alerts: list[DecidedTransaction] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    returned: list[ParkedLabel] = field(default_factory=list)
    offsets: Offsets = field(default_factory=dict)
    generation: int = 1
    holders: dict[int, int] = field(default_factory=dict)


@dataclass
class FakeOutbox:
    """One worker's outbox. A later one for the same slot of the same Kafka fences it.

    before: called at the beginning of every method; what it raises is what the caller sees. The group is a
    generation of `FakeKafka`, or None for a worker that is alone.
    """

    before: Callable[[], None] = lambda: None
    kafka: FakeKafka = field(default_factory=FakeKafka)
    slot: int = 0

    def __post_init__(self) -> None:
        self._epoch = self.kafka.holders.get(self.slot, 0) + 1
        self.kafka.holders[self.slot] = self._epoch

    @property
    def alerts(self) -> list[DecidedTransaction]:
        return self.kafka.alerts

    @property
    def dead(self) -> list[DeadLetter]:
        return self.kafka.dead

    @property
    def returned(self) -> list[ParkedLabel]:
        return self.kafka.returned

    @property
    def offsets(self) -> Offsets:
        return self.kafka.offsets

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        self.before()
        current = group in (None, self.kafka.generation)
        if not alerts and not dead:
            # Committed plainly, later: whoever has lost the partitions by then is not heard, and not told.
            self.kafka.offsets |= offsets if current else {}
            return
        new_alerts, new_dead = list(alerts), list(dead)
        self._check_fence()
        if not current:
            raise AssignmentLost("the fake group has been rebalanced")
        if any(len(letter.value or b"") > LARGEST_DEAD_LETTER_BYTES for letter in new_dead):
            raise KafkaUnavailable("the fake Kafka takes no record as large as this")
        self.kafka.alerts += new_alerts
        self.kafka.dead += new_dead
        self.kafka.offsets |= offsets

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        self.before()
        new = list(labels)
        self._check_fence()
        self.kafka.returned += new

    def _check_fence(self) -> None:
        if self.kafka.holders[self.slot] != self._epoch:
            raise SlotTaken(f"another worker has slot {self.slot} of the fake Kafka")
