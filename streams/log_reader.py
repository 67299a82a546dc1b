"""Reading a topic from outside the group: committed records only, from its beginning, up to a given end."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from models.errors import KafkaUnavailable, NotFound
from streams.kafka import Config, our_errors, patience, words_of

BATCH_RECORDS = 4000
WAIT_S = 0.2
# Nothing to read for longer than a dead worker's transaction may stay open: then Kafka is away.
SILENT_S = 90.0


class LogReader:
    """Reads whole topics, as a subscriber with `read_committed` sees them."""

    def __init__(self, config: Config, timeout_s: float) -> None:
        self._config = config
        self._consumer: Any = Consumer(config)
        self._timeout_s = timeout_s
        self._numbers: dict[str, list[int]] = {}

    def close(self) -> None:
        self._consumer.close()
        if "_uncommitted" in self.__dict__:
            self._uncommitted.close()

    @cached_property
    def _uncommitted(self) -> Any:
        """A client that sees what open transactions have written."""
        return Consumer(self._config | {"isolation.level": "read_uncommitted"})

    def partitions(self, topic: str) -> list[int]:
        """Numbers of a topic's partitions, as they were when first asked for.

        Raises:
            NotFound: there is no such topic.
        """
        if topic not in self._numbers:
            self._numbers[topic] = self._listed(topic)
        return self._numbers[topic]

    def _listed(self, topic: str) -> list[int]:
        with our_errors("list a topic's partitions"):
            found = self._consumer.list_topics(topic, self._timeout_s).topics[topic]
        if found.error is not None:
            raise NotFound(f"there is no topic {topic}", why=found.error.str(), next_step="fraudml up")
        return sorted(found.partitions)

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Per partition, the first offset in the log and the one after the last."""
        return self._ends(self._consumer, topic)

    def written(self, topic: str) -> dict[int, int]:
        """Per partition, the offset after whatever was written, by transactions that are still open too."""
        return {number: last for number, (_, last) in self._ends(self._uncommitted, topic).items()}

    def _ends(self, consumer: Any, topic: str) -> dict[int, tuple[int, int]]:
        with our_errors("find a topic's end"):
            return {
                number: consumer.get_watermark_offsets(TopicPartition(topic, number), self._timeout_s)
                for number in self.partitions(topic)
            }

    def since(self, topic: str, moment_ms: int) -> dict[int, int]:
        """Per partition, the first record that the broker took at that moment or later; else the end."""
        ends = self.ends(topic)
        places = [TopicPartition(topic, number, moment_ms) for number in ends]
        with our_errors("find the offsets of a moment"):
            found = self._consumer.offsets_for_times(places, self._timeout_s)
        return {
            each.partition: each.offset if each.offset >= 0 else ends[each.partition][1] for each in found
        }

    def committed(self, topic: str) -> dict[int, int]:
        """Per partition, the offset that the reader's group has committed; those without one are left out."""
        places = [TopicPartition(topic, number) for number in self.partitions(topic)]
        with our_errors("read committed offsets"):
            ask = patience(self._timeout_s, reraise=True)
            found = ask(self._consumer.committed, places, self._timeout_s)
        return {each.partition: each.offset for each in found if each.offset >= 0}

    def read(
        self, topic: str, until: Mapping[int, int], starts: Mapping[int, int] | None = None
    ) -> Iterator[list[Message]]:
        """Records from `starts`, else the first, to below `until`: in batches, in order in each partition.

        Waits for transactions that are still open below `until`.

        Raises:
            KafkaUnavailable: nothing comes any more.
        """
        first = {
            number: max(at, (starts or {}).get(number, 0)) for number, (at, _) in self.ends(topic).items()
        }
        missing = {number for number, offset in until.items() if first[number] < offset}
        self._consumer.assign([TopicPartition(topic, number, first[number]) for number in missing])
        try:
            while missing:
                received = self._await(topic)
                batch = [
                    each for each in received if not each.error() and each.offset() < until[each.partition()]
                ]
                last = {each.partition(): each for each in received}
                missing -= {number for number, each in last.items() if _reached(each) >= until[number]}
                if batch:
                    yield batch
        finally:
            self._consumer.unassign()

    def _await(self, topic: str) -> list[Message]:
        for _ in range(int(SILENT_S / WAIT_S)):
            if received := self._receive():
                return received
        raise KafkaUnavailable(
            f"Kafka delivers nothing of {topic}", why=f"for {SILENT_S:.0f} s", next_step="fraudml status"
        )

    def follow(self, topic: str, starts: Mapping[int, int]) -> Iterator[Message]:
        """Records from `starts` on as they come, for ever."""
        self._consumer.assign([TopicPartition(topic, number, at) for number, at in starts.items()])
        while True:
            yield from (message for message in self._receive() if message.error() is None)

    def _receive(self) -> list[Message]:
        """What is there, without waiting for more; an end of a partition is a message with an error."""
        with our_errors("read a topic"):
            messages: list[Message] = self._consumer.consume(1, WAIT_S)
            if messages:
                messages += self._consumer.consume(BATCH_RECORDS - 1, 0)
        for message in messages:
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaUnavailable("Kafka failed to read a topic", why=words_of(KafkaException(error)))
        return messages


def _reached(message: Message) -> int:
    """The offset after a record; markers of transactions are none, so the end of a partition tells too."""
    return int(message.offset() if message.error() else message.offset() + 1)
