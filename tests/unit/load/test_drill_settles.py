"""At its end a drill looks until every store answers, but not for ever."""

import pytest

from load.chaos.drill import SETTLED_WITHIN_S, settled
from models.errors import KafkaUnavailable
from tests.unit.streams.virtual_time import Clock


class Looks:
    """Fails so often, and takes its time over it."""

    def __init__(self, clock: Clock, failures: float) -> None:
        self.clock, self.failures, self.count = clock, failures, 0

    def __call__(self) -> None:
        self.count += 1
        self.clock.wait(10.0)
        if self.count <= self.failures:
            raise KafkaUnavailable("Kafka failed to read committed offsets")


def test_a_store_that_is_away_is_looked_for_again() -> None:
    clock = Clock()
    look = Looks(clock, 3)
    settled(look, clock.wait, clock)
    assert look.count == 4


def test_one_that_stays_away_is_told_soon_enough_for_somebody_to_look() -> None:
    clock = Clock()
    with pytest.raises(KafkaUnavailable, match="committed offsets"):
        settled(Looks(clock, float("inf")), clock.wait, clock)
    assert SETTLED_WITHIN_S < clock.now_s < SETTLED_WITHIN_S + 30
