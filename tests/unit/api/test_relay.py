"""The relay: what has not reached Kafka goes there again, and nothing is forgotten meanwhile."""

from typing import Any

import numpy as np
import pytest

from api.relay import Relay
from load.doubles import FakeLedger, Row
from models.errors import LedgerUnavailable
from models.features import FEATURE_NAMES
from streams.answered import Answered
from streams.ports import Produced
from streams.topics import Partition
from tests.builders import decided

TOPIC_ID = "transactions-id"


class World:
    def __init__(self) -> None:
        self.ledger = FakeLedger()
        self.arrived: dict[str, Produced] = {}
        self.sent: list[str] = []
        self.relay = Relay(
            self.ledger, places=self.places, send=self.send, topic_id=lambda: TOPIC_ID, older_s=10
        )

    def places(self) -> dict[str, Produced]:
        arrived, self.arrived = self.arrived, {}
        return arrived

    def send(self, answers: Any) -> None:
        self.sent += [each.decided.transaction_id for each in answers]

    def answer(self, name: str) -> Answered:
        made = Answered(decided(transaction_id=name, path="rest"), np.zeros(len(FEATURE_NAMES), np.float32))
        self.ledger.answer([made])
        return made


@pytest.fixture
def world() -> World:
    return World()


def test_what_never_reached_kafka_is_sent(world: World) -> None:
    world.answer("a")
    assert world.relay.turn() == 1
    assert world.sent == ["a"]


def test_what_is_under_way_is_left_alone(world: World) -> None:
    world.answer("a")
    world.arrived = {"a": Produced(TOPIC_ID, 0, 7)}
    assert world.relay.turn() == 0


def test_what_was_read_past_is_sent_again(world: World) -> None:
    world.answer("a")
    world.arrived = {"a": Produced(TOPIC_ID, 0, 7)}
    world.relay.turn()
    world.ledger.next_offsets[Partition(TOPIC_ID, 0)] = 8
    assert world.relay.turn() == 1


def test_what_a_worker_has_claimed_is_done(world: World) -> None:
    made = world.answer("a")
    world.ledger.rows["a"] = Row(made.decided, (TOPIC_ID, 0, 7), made.features)
    assert world.relay.turn() == 0


def test_places_wait_for_a_ledger_that_is_away(world: World) -> None:
    world.answer("a")
    world.arrived = {"a": Produced(TOPIC_ID, 0, 7)}
    world.ledger.reachable = False
    with pytest.raises(LedgerUnavailable):
        world.relay.turn()
    world.ledger.reachable = True
    assert world.relay.turn() == 0
    assert world.ledger.places == {"a": Produced(TOPIC_ID, 0, 7)}
