"""Reading topics from outside the group, over a scripted client."""

from collections.abc import Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from models.errors import KafkaUnavailable, NotFound
from streams import log_reader
from streams.kafka import reader_config
from streams.log_reader import LogReader
from streams.offsets import Place
from streams.settings import Settings
from tests.unit.streams.scripted_kafka import error_message, message

TOPIC = "alerts"


class Topics:
    """`confluent_kafka.Consumer` for a reader: what it receives one after the other is told beforehand.

    The first call of `consume` for a batch gives its first message, the one after it the rest.
    """

    def __init__(self, config: Any) -> None:
        self.config = config
        self.ends: dict[Place, tuple[int, int]] = {}
        self.times: dict[Place, list[int]] = {}
        self.batches: list[list[Message]] = []
        self.rest: list[Message] = []
        self.committed_offsets: dict[Place, int] = {}
        self.assigned: list[list[tuple[int, int]]] = []
        self.failure: KafkaException | None = None

    def list_topics(self, topic: str, timeout_s: float) -> Any:
        self._fail()
        numbers = {number for name, number in self.ends if name == topic}
        missing = None if numbers else KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "no such topic")
        found = SimpleNamespace(partitions=dict.fromkeys(numbers), error=missing)
        return SimpleNamespace(topics={topic: found})

    def get_watermark_offsets(self, each: TopicPartition, timeout_s: float) -> tuple[int, int]:
        return self.ends[each.topic, each.partition]

    def offsets_for_times(self, places: Sequence[TopicPartition], timeout_s: float) -> list[TopicPartition]:
        """Kafka tells no offset where nothing is that young."""
        return [TopicPartition(each.topic, each.partition, self._since(each)) for each in places]

    def _since(self, each: TopicPartition) -> int:
        first = self.ends[each.topic, each.partition][0]
        times = self.times[each.topic, each.partition]
        return next((first + n for n, at_ms in enumerate(times) if at_ms >= each.offset), -1)

    def committed(self, places: Sequence[TopicPartition], timeout_s: float) -> list[TopicPartition]:
        return [
            TopicPartition(
                each.topic, each.partition, self.committed_offsets.get((each.topic, each.partition), -1001)
            )
            for each in places
        ]

    def assign(self, places: Sequence[TopicPartition]) -> None:
        self.assigned.append(sorted((each.partition, each.offset) for each in places))

    def unassign(self) -> None:
        self.assigned.append([])

    def consume(self, count: int, wait_s: float) -> list[Message]:
        self._fail()
        if not wait_s:
            return self.rest
        batch = self.batches.pop(0) if self.batches else []
        self.rest = batch[1:]
        return batch[:1]

    def close(self) -> None:
        self.assigned.append([])

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class Reading:
    """A reader, and the topics it reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_reader, "Consumer", Topics)
        self.reader = LogReader({"isolation.level": "read_committed"}, 5.0)
        self.topics: Topics = self.reader._consumer
        self.uncommitted: Topics = self.reader._uncommitted

    def offsets(self, until: dict[int, int]) -> list[list[tuple[int, int]]]:
        """Partition and offset of what is read, batch by batch."""
        return [
            [(each.partition(), each.offset()) for each in batch] for batch in self.reader.read(TOPIC, until)
        ]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(monkeypatch)


def records(number: int, *offsets: int) -> list[Message]:
    return [message((TOPIC, number), offset) for offset in offsets]


def end(number: int, offset: int) -> Message:
    return error_message(KafkaError._PARTITION_EOF, (TOPIC, number), offset)


def test_a_topic_is_read_from_its_beginning_up_to_the_given_end(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (3, 8), (TOPIC, 1): (0, 4)}
    reading.topics.batches = [records(0, 3, 4), records(1, 0, 1), records(0, 5, 6, 7)]
    assert reading.offsets({0: 6, 1: 2}) == [[(0, 3), (0, 4)], [(1, 0), (1, 1)], [(0, 5)]]
    assert reading.topics.assigned == [[(0, 3), (1, 0)], []]


def test_what_comes_meanwhile_belongs_to_the_next_reading(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (0, 9), (TOPIC, 1): (0, 9)}
    reading.topics.batches = [records(0, 0, 1, 2), records(0, 3), records(1, 0)]
    assert reading.offsets({0: 2, 1: 1}) == [[(0, 0), (0, 1)], [(1, 0)]]


def test_markers_of_transactions_are_no_records_and_do_not_keep_the_reader_waiting(reading: Reading) -> None:
    """The last offsets belong to markers; only the end of the partition tells."""
    reading.topics.ends = {(TOPIC, 0): (0, 5)}
    reading.topics.batches = [records(0, 0, 2), [], [end(0, 5)]]
    assert reading.offsets({0: 5}) == [[(0, 0), (0, 2)]]


def test_an_end_that_was_seen_too_early_is_not_the_end(reading: Reading) -> None:
    """A transaction was open: its records come after the first end of the partition."""
    reading.topics.ends = {(TOPIC, 0): (0, 3)}
    reading.topics.batches = [[*records(0, 0, 1), end(0, 2)], records(0, 2)]
    assert reading.offsets({0: 3}) == [[(0, 0), (0, 1)], [(0, 2)]]


def test_a_reading_may_begin_further_on_but_not_before_the_log_does(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (3, 8), (TOPIC, 1): (3, 8), (TOPIC, 2): (3, 8)}
    reading.topics.batches = [records(0, 5), records(1, 3, 4, 5), records(2, 3, 4, 5)]
    found = list(reading.reader.read(TOPIC, {0: 6, 1: 6, 2: 6}, starts={0: 5, 1: 1}))
    assert [len(batch) for batch in found] == [1, 3, 3]
    assert reading.topics.assigned[0] == [(0, 5), (1, 3), (2, 3)]


@pytest.mark.parametrize("until", [{}, {0: 0}, {0: 4}], ids=["nothing asked", "an empty topic", "expired"])
def test_nothing_is_waited_for_when_there_is_nothing_to_read(reading: Reading, until: dict[int, int]) -> None:
    reading.topics.ends = {(TOPIC, 0): (4, 9)}
    assert reading.offsets(until) == []


def test_the_consumer_is_free_again_when_the_reader_is_left_halfway(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (0, 9)}
    reading.topics.batches = [records(0, 0), records(0, 1)]
    found = reading.reader.read(TOPIC, {0: 9})
    next(found)
    found.close()  # type: ignore[attr-defined]
    assert reading.topics.assigned == [[(0, 0)], []]


def test_following_goes_on_behind_the_end(reading: Reading) -> None:
    reading.topics.batches = [records(0, 7), [end(0, 8)], [], records(0, 8, 9)]
    found = [each.offset() for each in islice(reading.reader.follow(TOPIC, {0: 7}), 3)]
    assert found == [7, 8, 9]
    assert reading.topics.assigned == [[(0, 7)]]


def test_ends_and_committed_offsets_are_told_by_partition(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (3, 8), (TOPIC, 1): (0, 4)}
    reading.topics.committed_offsets = {(TOPIC, 1): 2}
    assert reading.reader.ends(TOPIC) == {0: (3, 8), 1: (0, 4)}
    assert reading.reader.committed(TOPIC) == {1: 2}


def test_what_an_open_transaction_has_written_is_told_apart(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (0, 4)}
    reading.uncommitted.ends = {(TOPIC, 0): (0, 6)}
    assert reading.reader.ends(TOPIC) == {0: (0, 4)}
    assert reading.reader.written(TOPIC) == {0: 6}
    assert reading.uncommitted.config["isolation.level"] == "read_uncommitted"


def test_a_moment_is_the_first_record_that_came_then_or_later_else_the_end(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (3, 6), (TOPIC, 1): (0, 2), (TOPIC, 2): (5, 5)}
    reading.topics.times = {(TOPIC, 0): [10, 20, 30], (TOPIC, 1): [10, 19], (TOPIC, 2): []}
    assert reading.reader.since(TOPIC, 20) == {0: 4, 1: 2, 2: 5}


def test_a_kafka_that_falls_silent_is_not_waited_for_for_ever(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (0, 5)}
    reading.topics.batches = [records(0, 0, 1)]
    with pytest.raises(KafkaUnavailable, match=r"delivers nothing of alerts\. for 90 s"):
        reading.offsets({0: 5})


def test_a_topic_that_does_not_exist_is_not_found(reading: Reading) -> None:
    with pytest.raises(NotFound, match=r"there is no topic alerts\. no such topic\. Next: fraudml up"):
        reading.reader.ends(TOPIC)


def test_an_error_among_the_records_is_raised_in_our_words(reading: Reading) -> None:
    reading.topics.ends = {(TOPIC, 0): (0, 5)}
    reading.topics.batches = [[error_message(KafkaError.TOPIC_AUTHORIZATION_FAILED, (TOPIC, 0))]]
    with pytest.raises(KafkaUnavailable, match="words"):
        reading.offsets({0: 5})
    assert reading.topics.assigned[-1] == []


def test_a_client_that_fails_is_raised_in_our_words(reading: Reading) -> None:
    reading.topics.failure = KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN, "no broker"))
    with pytest.raises(KafkaUnavailable, match="no broker"):
        reading.reader.ends(TOPIC)


def test_a_reader_sees_what_a_subscriber_sees_and_leaves_no_trace_in_the_group() -> None:
    config = reader_config(Settings.model_construct(), "fraudml")
    assert config["isolation.level"] == "read_committed"
    assert config["enable.auto.commit"] is False
    assert config["enable.partition.eof"] is True
    assert "group.instance.id" not in config
