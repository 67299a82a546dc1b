"""What a gateway has answered already: nobody waits for it, so it may wait for more of its kind."""

from streams.answered import DECISION_HEADER
from streams.arrivals import Sweep
from streams.poller import ANSWERED_WAIT_S
from tests.unit.streams.polling import T0, Polling

ANSWERED = [(DECISION_HEADER, b"a decision")]


def sent(polling: Polling, at_s: float, *values: bytes, answered: bool) -> None:
    headers = ANSWERED if answered else None
    polling.clock.after(at_s, lambda: polling.kafka.produce(T0, *values, headers=headers))


def swept(polling: Polling) -> list[tuple[float, int]]:
    """When each sweep began, and how many records it held."""
    found: list[tuple[float, int]] = []

    def handle(sweep: Sweep) -> None:
        found.append((round(polling.clock.now_s, 6), len(sweep)))
        polling.done_plainly(sweep)

    polling.handle = handle
    polling.kafka.give(T0)
    polling.run()
    return found


def test_what_a_gateway_has_answered_waits_a_moment_for_more_of_it(polling: Polling) -> None:
    for at_s in (0.05, 0.055, 0.06, 0.3):
        sent(polling, at_s, b"answered", answered=True)
    assert swept(polling) == [(0.05 + ANSWERED_WAIT_S, 3), (0.3 + ANSWERED_WAIT_S, 1)]


def test_what_nobody_has_decided_waits_for_no_answered_record(polling: Polling) -> None:
    sent(polling, 0.05, b"answered", answered=True)
    sent(polling, 0.06, b"undecided", answered=False)
    sent(polling, 0.3, b"undecided", answered=False)
    assert swept(polling) == [(0.06, 2), (0.3, 1)]


def test_partitions_that_are_taken_away_end_that_wait(polling: Polling) -> None:
    sent(polling, 0.05, b"answered", answered=True)
    polling.clock.after(0.06, lambda: polling.kafka.take_away(T0))
    assert swept(polling) == []
