"""`streams.reconcile.ports.Topics` in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from confluent_kafka import Message

from models.errors import KafkaUnavailable
from streams.reconcile.ports import Offsets

Log = list[Message | None]  # None: a marker of a transaction, or an aborted record


@dataclass
class FakeTopics:
    """Logs by topic and partition. expired: how many of the first offsets have left the log.

    open: how many of the last offsets belong to transactions that are not committed yet. at_once: records in
    a batch.
    """

    logs: dict[str, dict[int, Log]]
    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    expired: dict[tuple[str, int], int] = field(default_factory=dict)
    open: dict[tuple[str, int], int] = field(default_factory=dict)
    at_once: int = 3
    reachable: bool = True

    def partitions(self, topic: str) -> list[int]:
        if not self.reachable:
            raise KafkaUnavailable("the fake Kafka is out of reach")
        return sorted(self.logs[topic])

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        return {
            number: (
                self.expired.get((topic, number), 0),
                len(self.logs[topic][number]) - self.open.get((topic, number), 0),
            )
            for number in self.partitions(topic)
        }

    def written(self, topic: str) -> dict[int, int]:
        return {number: len(self.logs[topic][number]) for number in self.partitions(topic)}

    def since(self, topic: str, moment_ms: int) -> dict[int, int]:
        return {
            number: self._since(topic, number, *span, moment_ms) for number, span in self.ends(topic).items()
        }

    def _since(self, topic: str, number: int, first: int, last: int, moment_ms: int) -> int:
        for offset in range(first, last):
            message = self.logs[topic][number][offset]
            if message is not None and message.timestamp()[1] >= moment_ms:
                return offset
        return last

    def committed(self, topic: str) -> dict[int, int]:
        return {
            number: self.offsets[topic, number]
            for number in self.partitions(topic)
            if (topic, number) in self.offsets
        }

    def read(self, topic: str, until: Offsets, starts: Offsets | None = None) -> Iterator[list[Message]]:
        first = {number: span[0] for number, span in self.ends(topic).items()}
        for number, end in until.items():
            start = max(first[number], (starts or {}).get(number, 0))
            # Whoever reads so far waits until open transactions are committed.
            self.open.pop((topic, number), None)
            found = [message for message in self.logs[topic][number][start:end] if message is not None]
            for at in range(0, len(found), self.at_once):
                yield found[at : at + self.at_once]
