"""A double of the Kafka client's transactional producer: does as told, and notes what it was asked."""

from collections import deque
from typing import Any

from confluent_kafka import KafkaError, KafkaException


def failure(code: int = KafkaError._TIMED_OUT, **kind: bool) -> KafkaException:
    return KafkaException(KafkaError(code, "words", **kind))


class ScriptedProducer:
    """`confluent_kafka.Producer` as far as we call it. `fails`: what the next calls of a method raise."""

    def __init__(
        self, config: dict[str, Any], fails: dict[str, deque[Exception]], happened: list[str]
    ) -> None:
        self.config = config
        self._fails = fails
        self.happened = happened
        self.records: list[tuple[str, bytes | None, bytes | None, Any]] = []
        self.offsets: list[tuple[dict[tuple[str, int], int], Any]] = []

    def init_transactions(self, timeout_s: float) -> None:
        self._do("init")

    def begin_transaction(self) -> None:
        self._do("begin")

    def produce(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Any) -> None:
        self._do("produce")
        self.records.append((topic, key, value, headers))

    def poll(self, wait_s: float) -> None:
        self._do("poll")

    def send_offsets_to_transaction(self, positions: Any, group: Any, timeout_s: float) -> None:
        self._do("offsets")
        self.offsets.append(({(each.topic, each.partition): each.offset for each in positions}, group))

    def commit_transaction(self, timeout_s: float) -> None:
        self._do("commit")

    def abort_transaction(self, timeout_s: float) -> None:
        self._do("abort")

    def _do(self, what: str) -> None:
        self.happened.append(what)
        if self._fails.get(what):
            raise self._fails[what].popleft()
