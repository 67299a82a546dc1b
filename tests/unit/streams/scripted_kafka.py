"""A double of the Kafka client's consumer: topics in memory, and a group that moves when it is told to."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, Message, TopicPartition

from streams.offsets import Place
from tests.builders import BROKER_MS
from tests.unit.streams.virtual_time import Clock

# More polls than any script needs: a loop that nobody ends is a failure, not a hang.
MOST_POLLS = 50_000


Headers = list[tuple[str, bytes]]


def message(
    place: Place,
    offset: int,
    value: bytes | None = b"{}",
    key: bytes = b"key",
    headers: Headers | None = None,
) -> Message:
    return Message(
        topic=place[0],
        partition=place[1],
        offset=offset,
        key=key,
        value=value,
        timestamp=(1, BROKER_MS),
        headers=headers,
    )


def error_message(code: int, place: Place = ("transactions", 0), offset: int = 0, **kind: bool) -> Message:
    """What the client delivers in place of a record."""
    return Message(topic=place[0], partition=place[1], offset=offset, error=KafkaError(code, "words", **kind))


class ScriptedConsumer:
    """`confluent_kafka.Consumer` as far as we call it. `happened` tells what was asked of it, in order."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.topics: dict[Place, list[Message]] = {}
        self.first: dict[Place, int] = {}
        self.committed_offsets: dict[Place, int] = {}
        self.positions: dict[Place, int] = {}
        self.delivered: set[Place] = set()
        self.paused: set[Place] = set()
        self.notices: deque[Message] = deque()
        self.commit_errors: deque[KafkaException] = deque()
        self.polls: list[tuple[float, float]] = []
        self.happened: list[tuple[str, Any]] = []
        self.generation = 1
        self._rebalances: deque[Callable[[], None]] = deque()
        self._callbacks: dict[str, Callable[[Any, list[TopicPartition]], None]] = {}

    # The script.

    def produce(self, place: Place, *values: bytes | None, headers: Headers | None = None) -> None:
        log = self.topics.setdefault(place, [])
        log.extend(
            [message(place, offset, value, headers=headers) for offset, value in enumerate(values, len(log))]
        )

    def give(self, *places: Place) -> None:
        """The next poll assigns partitions, besides those that are there; all are revoked first."""
        for place in places:
            self.topics.setdefault(place, [])
        self._rebalances.append(lambda: self._rebalance("on_revoke", {*self.positions, *places}))

    def take_away(self, *places: Place) -> None:
        self._rebalances.append(lambda: self._rebalance("on_revoke", self.positions.keys() - {*places}))

    def lose(self, *places: Place) -> None:
        self._rebalances.append(lambda: self._rebalance("on_lost", self.positions.keys() - {*places}))

    def asked(self, *kinds: str) -> list[Any]:
        """What was asked of these kinds."""
        return [what for kind, what in self.happened if kind in kinds]

    # The client.

    def subscribe(self, topics: Sequence[str], **callbacks: Any) -> None:
        self.happened.append(("subscribe", list(topics)))
        self._callbacks = callbacks

    def poll(self, wait_s: float) -> Message | None:
        self.polls.append((self.clock.now_s, wait_s))
        assert len(self.polls) < MOST_POLLS, "the script has no end"
        until_s = self.clock.now_s + wait_s
        while True:
            found = self._received(1)
            if found or not self.clock.step(until_s):
                return found[0] if found else None

    def consume(self, count: int, wait_s: float) -> list[Message]:
        if count < 0:
            raise ValueError("num_messages must be between 0 and 1000000 (1M)")
        self.happened.append(("consume", (count, wait_s)))
        return self._received(count)

    def consumer_group_metadata(self) -> str:
        return f"generation {self.generation}"

    def committed(self, places: Sequence[TopicPartition], timeout_s: float) -> list[TopicPartition]:
        return [_at(each, self.committed_offsets.get(_place(each), OFFSET_INVALID)) for each in places]

    def get_watermark_offsets(self, each: TopicPartition, *_: Any, **__: Any) -> tuple[int, int]:
        return self.first.get(_place(each), 0), len(self.topics[_place(each)])

    def position(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        read = {place: self.positions[place] for place in self.delivered}
        return [_at(each, read.get(_place(each), OFFSET_INVALID)) for each in places]

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous, "a commit that nobody waits for may land after a transaction"
        if self.commit_errors:
            raise self.commit_errors.popleft()
        found = {_place(each): each.offset for each in offsets}
        self.happened.append(("commit", found))
        self.committed_offsets.update(found)

    def seek(self, each: TopicPartition) -> None:
        self.happened.append(("seek", (_place(each), each.offset)))
        assert _place(each) in self.positions, "a partition that is not ours cannot be sought"
        self.positions[_place(each)] = each.offset

    def pause(self, places: Sequence[TopicPartition]) -> None:
        self.paused |= {_place(each) for each in places}

    def resume(self, places: Sequence[TopicPartition]) -> None:
        self.paused -= {_place(each) for each in places}

    def assign(self, places: Sequence[TopicPartition]) -> None:
        assert not self.positions or self.positions.keys() == {_place(each) for each in places}
        self.positions = {_place(each): each.offset for each in places}
        self.happened.append(("assign", dict(self.positions)))

    def unassign(self) -> None:
        self.happened.append(("unassign", set(self.positions)))
        self.positions = {}
        self.delivered.clear()
        self.paused.clear()

    def close(self) -> None:
        if self.positions:
            self._call("on_revoke", self.positions)
        self.happened.append(("close", None))

    def _received(self, count: int) -> list[Message]:
        """The group is served by whoever asks for records."""
        while self._rebalances:
            self._rebalances.popleft()()
        found = [self.notices.popleft() for _ in range(min(count, len(self.notices)))]
        for place in sorted(self.positions.keys() - self.paused):
            at = self.positions[place]
            some = self.topics[place][at : at + count - len(found)]
            if some:
                self.positions[place] = at + len(some)
                self.delivered.add(place)
                found += some
        return found

    def _rebalance(self, goes: str, then: Iterable[Place]) -> None:
        """All that is there goes, in one way or the other; then what is dealt comes."""
        dealt = sorted(then)
        self.generation += 1
        if self.positions:
            self._call(goes, self.positions)
        self._call("on_assign", dealt)

    def _call(self, callback: str, places: Iterable[Place]) -> None:
        self._callbacks[callback](self, [TopicPartition(*place) for place in places])


def _place(each: TopicPartition) -> Place:
    return each.topic, each.partition


def _at(each: TopicPartition, offset: int) -> TopicPartition:
    return TopicPartition(each.topic, each.partition, offset)
