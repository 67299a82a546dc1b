"""Kafka as one worker reaches it: its transactions, and its consumer's calls on the group."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from load.doubles import FakeOutbox
from load.simulation.kafka import Membership, SimulatedKafka
from load.simulation.line import Line
from load.simulation.turns import Crashed
from models.decision import DecidedTransaction
from models.errors import AssignmentLost, KafkaUnavailable, OutcomeUnknown
from streams.arrivals import DeadLetter
from streams.offset_book import OffsetBook
from streams.offsets import Place
from streams.ports import ParkedLabel

PATIENCE = 6
ON_THE_WIRE = 0.5


@dataclass
class SimulatedOutbox(FakeOutbox):
    """`streams.alerts.KafkaOutbox`, its transactions step by step.

    book: the worker's. wire: commits that were sent by a worker that is gone, and may yet arrive.
    """

    line: Any = None
    member: str = ""
    book: Any = None
    wire: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._epoch = 0

    @property
    def _broker(self) -> SimulatedKafka:
        assert isinstance(self.kafka, SimulatedKafka)
        return self.kafka

    @property
    def _line(self) -> Line:
        assert isinstance(self.line, Line)
        return self.line

    @property
    def _book(self) -> OffsetBook:
        assert isinstance(self.book, OffsetBook)
        return self.book

    def open(self) -> None:
        self._line.before("opening the outbox", KafkaUnavailable)
        self._epoch = self._broker.fence(self.slot)
        self._line.after("opening the outbox", KafkaUnavailable)

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        if not alerts and not dead:
            self._book.later(offsets)
            return
        self._transact(lambda: self._fill(alerts, dead, offsets, group))
        self._line.note(f"publishes {len(alerts)} alerts, {len(dead)} dead letters, offsets {dict(offsets)}")
        self._done(offsets)

    def _done(self, offsets: Mapping[Place, int]) -> None:
        """Committed in a transaction, so nothing older may follow."""
        self._book.done(offsets)

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        self._transact(lambda: self._broker.stage_labels(self.slot, labels))
        self._line.note(f"returns {len(labels)} labels")

    def _fill(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        self._broker.stage(self.slot, alerts, dead)
        self._line.before("sending offsets", KafkaUnavailable)
        self._check_fence()
        if not self._broker.speaks_for_group(group):
            raise AssignmentLost("the group has been rebalanced")
        self._broker.stage_offsets(self.slot, offsets)
        self._line.after("sending offsets", KafkaUnavailable)

    def _transact(self, fill: Callable[[], None]) -> None:
        self._check_fence()
        self._broker.begin(self.slot, self.member)
        try:
            fill()
        except (KafkaUnavailable, AssignmentLost):
            self._check_fence()
            self._broker.abort(self.slot)
            raise
        self._settle_commit()

    def _settle_commit(self) -> None:
        """Commit again and again until there is an answer: the same transaction, so that it counts once."""
        for _ in range(PATIENCE):
            try:
                self._commit()
            except KafkaUnavailable:
                if self._line.gives_up():
                    break
            else:
                return
        raise OutcomeUnknown("no answer to a commit")

    def _commit(self) -> None:
        try:
            self._line.before("committing a transaction", KafkaUnavailable)
        except Crashed:
            if self._line.happens(ON_THE_WIRE):
                self.wire.append((self.slot, self._epoch))
            raise
        self._check_fence()
        self._broker.commit(self.slot)
        self._line.after("committing a transaction", KafkaUnavailable)


class SimulatedConsumer:
    """What `OwedOffsets` and `starting_offsets` ask of librdkafka's consumer."""

    def __init__(self, kafka: SimulatedKafka, line: Line, membership: Callable[[], Membership]) -> None:
        self._kafka = kafka
        self._line = line
        self._membership = membership
        self.waiting: list[Place] = []

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        try:
            self._line.before("committing offsets", KafkaUnavailable)
            if not self._kafka.speaks_for_group(self._membership()):
                raise KafkaException(KafkaError(KafkaError.ILLEGAL_GENERATION))
            positions = {(each.topic, each.partition): each.offset for each in offsets}
            self._kafka.commit_offsets(positions, self._kafka.era)
            self._line.note(f"commits {positions}")
            self._line.after("committing offsets", KafkaUnavailable)
        except KafkaUnavailable as error:
            raise KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE)) from error

    def committed(self, places: Sequence[TopicPartition], timeout_s: float) -> list[TopicPartition]:
        """As librdkafka does for a read-committed consumer: transactions in flight are waited for."""
        self._line.before("reading committed offsets", KafkaUnavailable)
        self.waiting = [(each.topic, each.partition) for each in places]
        while any(map(self._kafka.pending, self.waiting)):
            self._line.pause()
        self.waiting = []
        found = [
            TopicPartition(
                each.topic, each.partition, self._kafka.offsets.get((each.topic, each.partition), -1001)
            )
            for each in places
        ]
        self._line.after("reading committed offsets", KafkaUnavailable)
        return found

    def get_watermark_offsets(self, place: TopicPartition, timeout_s: float) -> tuple[int, int]:
        return 0, self._kafka.topics[place.topic].end(place.partition)
