"""Reading a topic from outside the group: committed records only, from its beginning, up to a given end."""

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from models.errors import KafkaUnavailable, NotFound
from streams.kafka import Config, our_errors, patience, words_of

BATCH_RECORDS = 2000
WAIT_S = 0.2


class LogReader:
    """Reads whole topics, as a subscriber with `read_committed` sees them."""

    def __init__(self, config: Config, timeout_s: float) -> None:
        self._consumer: Any = Consumer(config)
        self._timeout_s = timeout_s

    def close(self) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """Numbers of a topic's partitions.

        Raises:
            NotFound: there is no such topic.
        """
        with our_errors("list a topic's partitions"):
            found = self._consumer.list_topics(topic, self._timeout_s).topics[topic]
        if found.error is not None:
            raise NotFound(f"there is no topic {topic}", why=found.error.str(), next_step="fraudml up")
        return sorted(found.partitions)

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """Per partition, the first offset in the log and the one after the last."""
        with our_errors("find a topic's end"):
            return {
                number: self._consumer.get_watermark_offsets(TopicPartition(topic, number), self._timeout_s)
                for number in self.partitions(topic)
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
        """Records from `starts`, else the first, to below `until`: in batches, in order in each partition."""
        first = {
            number: max(at, (starts or {}).get(number, 0)) for number, (at, _) in self.ends(topic).items()
        }
        missing = {number for number, offset in until.items() if first[number] < offset}
        self._consumer.assign([TopicPartition(topic, number, first[number]) for number in missing])
        try:
            while missing:
                batch = []
                for message in self._receive():
                    number, offset = message.partition(), message.offset()
                    if message.error() is None and offset < until[number]:
                        batch.append(message)
                    # Markers of transactions are no records: the end of the partition tells that we are past.
                    reached = offset if message.error() else offset + 1
                    if reached >= until[number]:
                        missing.discard(number)
                if batch:
                    yield batch
        finally:
            self._consumer.unassign()

    def follow(self, topic: str, starts: Mapping[int, int]) -> Iterator[Message]:
        """Records from `starts` on as they come, for ever."""
        self._consumer.assign([TopicPartition(topic, number, at) for number, at in starts.items()])
        while True:
            yield from (message for message in self._receive() if message.error() is None)

    def _receive(self) -> list[Message]:
        """What is there; an end of a partition is a message with an error."""
        with our_errors("read a topic"):
            messages: list[Message] = self._consumer.consume(BATCH_RECORDS, WAIT_S)
        for message in messages:
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaUnavailable("Kafka failed to read a topic", why=words_of(KafkaException(error)))
        return messages
