"""Answers that only Kafka can keep: those that it has for sure, and no waiting for one that takes nothing."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from api.breaker import Breaker, Rule
from api.producing import Delivered, Headers, unavailable
from api.publishing import KafkaAnswerLog
from models.features import FEATURES
from streams.answered import Answered, Signer
from tests.builders import decided
from tests.unit.streams.virtual_time import Clock

FAILURES = 3


@dataclass
class Sent:
    """A record as Kafka has it."""

    def partition(self) -> int:
        return 1

    def offset(self) -> int:
        return 7


@dataclass
class Played:
    """A producer. outcome: an error in words, None for a record that arrives, "silence", or "full"."""

    outcome: str | None = None
    asked: int = 0

    def send(
        self, topic: str, key: str, value: bytes, delivered: Delivered, headers: Headers | None = None
    ) -> None:
        self.asked += 1
        if self.outcome == "full":
            raise unavailable("the queue is full")
        if self.outcome != "silence":
            delivered(self.outcome, Sent())


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    producing: Any = field(default_factory=Played)

    def __post_init__(self) -> None:
        self.log = KafkaAnswerLog(
            self.producing,
            "transactions",
            topic_id=lambda: "topic-1",
            signer=Signer(b"k" * 16),
            within_s=0.0,
            breaker=Breaker("kafka", self.clock, Rule(in_a_row=FAILURES)),
        )

    def written(self) -> set[str]:
        answered = Answered(decided(transaction_id="tx"), np.zeros(len(FEATURES), np.float32))
        return self.log.send_durably([answered])


def test_what_kafka_has_is_written() -> None:
    assert World().written() == {"tx"}


@pytest.mark.parametrize("outcome", ["refused", "silence", "full"])
def test_a_kafka_that_takes_nothing_is_left_alone_until_the_next_probe(outcome: str) -> None:
    world = World()
    world.producing.outcome = outcome
    assert [world.written() for _ in range(FAILURES + 5)] == [set()] * (FAILURES + 5)
    assert world.producing.asked == FAILURES
    world.producing.outcome = None
    world.clock.wait(Rule().probe_every_s)
    assert world.written() == {"tx"}


def test_where_there_is_nothing_to_write_kafka_has_not_failed() -> None:
    world = World()
    for _ in range(FAILURES):
        assert world.log.send_durably([]) == set()
    assert world.written() == {"tx"}
