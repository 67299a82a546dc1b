"""Turns: again and again on a thread of their own, whatever fails."""

from threading import Event
from threading import enumerate as enumerate_threads

from structlog.testing import capture_logs

from api.turns import Turns
from models.errors import KafkaUnavailable


def test_a_turn_that_fails_is_told_and_followed_by_the_next() -> None:
    taken, thrice = [0], Event()

    def turn() -> None:
        taken[0] += 1
        if taken[0] == 3:
            thrice.set()
        raise KafkaUnavailable("Kafka is away")

    turns = Turns("turns-of-a-test", turn, 0.001, failed="labels_wait")
    with capture_logs() as logs:
        turns.start()
        assert thrice.wait(10)
        turns.stop()
    assert [each["event"] for each in logs] == ["labels_wait"] * taken[0]
    assert "turns-of-a-test" not in [thread.name for thread in enumerate_threads()]
