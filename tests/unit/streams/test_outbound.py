"""What waits to go out: in order, together, and never past a refusal."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from load.doubles import FakeOutbox
from models.decision import DecidedTransaction
from models.errors import AssignmentLost, KafkaUnavailable
from streams.arrivals import DeadLetter
from streams.metrics import Metrics
from streams.offsets import Place
from streams.outbound import Outbound
from streams.ports import ParkedLabel
from tests.builders import Worker, transaction

T0, T1 = ("transactions", 0), ("transactions", 1)
LETTER = DeadLetter("transactions", "transactions-id", 0, 3, 0, None, b"?", "not_json", "no JSON")


class Book:
    """Which partitions wait, how often."""

    def __init__(self) -> None:
        self.waiting: list[Place] = []

    def waits(self, offsets: Mapping[Place, int]) -> None:
        self.waiting += offsets

    def through(self, offsets: Mapping[Place, int]) -> None:
        for place in offsets:
            self.waiting.remove(place)


class Going:
    """Outbound to a fake Kafka. calls: what it was given."""

    def __init__(self, most: int = 64) -> None:
        self.calls: list[tuple[int, int, dict[Place, int]]] = []
        self.book = Book()
        self.failures: list[Exception] = []
        self.outbox = FakeOutbox(before=self._fail)
        self.metrics = Metrics(CollectorRegistry())
        self.outbound = Outbound(self, self.book, self.metrics, most, 0.0)

    def publish(self, alerts: Any, dead: Any, offsets: Mapping[Place, int], group: Any) -> None:
        self.outbox.publish(alerts, dead, offsets, group)
        self.calls.append((len(alerts), len(dead), dict(offsets)))

    def return_labels(self, labels: Any) -> None:
        self.outbox.return_labels(labels)

    def put(self, place: Place, offset: int, alerts: int = 0, dead: int = 0, group: Any = 1) -> None:
        self.outbound.publish(ALERTS[:alerts], [LETTER] * dead, {place: offset}, group)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)


def alerts() -> list[DecidedTransaction]:
    worker = Worker(predict=lambda rows: rows[:, 0] * 0 + 0.99)
    worker.decide(*(transaction(f"tx-{number}") for number in range(9)))
    return list(worker.outbox.alerts)


ALERTS = alerts()


@pytest.fixture
def going() -> Going:
    return Going()


def test_offsets_alone_are_passed_on_at_once(going: Going) -> None:
    going.put(T0, 5)
    assert going.calls == [(0, 0, {T0: 5})]
    assert (len(going.outbound), going.book.waiting) == (0, [])


def test_alerts_and_dead_letters_wait_for_their_turn(going: Going) -> None:
    going.put(T0, 5, alerts=2)
    going.put(T1, 3, dead=1)
    assert (going.calls, len(going.outbound), going.book.waiting) == ([], 2, [T0, T1])
    going.outbound.turn()
    assert going.calls == [(2, 1, {T0: 5, T1: 3})]
    assert (len(going.outbound), going.book.waiting) == (0, [])
    assert going.outbox.offsets == {T0: 5, T1: 3}


def test_offsets_do_not_pass_what_waits_before_them(going: Going) -> None:
    """Committed before the alerts are out, they would leave nobody to send those after a crash."""
    going.put(T0, 5, alerts=1)
    going.put(T0, 6)
    going.put(T1, 2)
    assert going.calls == []
    going.outbound.turn()
    assert going.calls == [(1, 0, {T0: 6, T1: 2})]


def test_what_was_read_before_a_rebalance_does_not_go_with_what_was_read_after_it(going: Going) -> None:
    going.put(T0, 5, alerts=1, group=1)
    going.put(T0, 6, group=1)
    going.outbox.kafka.generation = 2
    going.put(T0, 9, alerts=1, group=2)
    with pytest.raises(AssignmentLost):
        going.outbound.turn()
    assert going.outbox.alerts == []


def test_those_of_the_membership_in_front_go_first(going: Going) -> None:
    going.put(T0, 5, alerts=1, group=1)
    going.put(T1, 9, alerts=1, group=None)
    going.outbound.turn()
    assert (going.calls, going.book.waiting) == ([(1, 0, {T0: 5})], [T1])
    going.outbound.turn()
    assert going.calls == [(1, 0, {T0: 5}), (1, 0, {T1: 9})]


def test_while_kafka_is_away_everything_stays_in_order(going: Going) -> None:
    going.failures = [KafkaUnavailable("away")]
    going.put(T0, 5, alerts=1)
    with pytest.raises(KafkaUnavailable):
        going.outbound.turn()
    assert going.book.waiting == [T0]
    going.put(T0, 6, alerts=1)
    going.outbound.turn()
    assert going.calls == [(2, 0, {T0: 6})]


def test_after_a_refusal_nothing_waits_and_nothing_is_taken_until_all_is_read_again(going: Going) -> None:
    """What comes behind the refused would commit offsets past it."""
    going.failures = [AssignmentLost("moved")]
    going.put(T0, 5, alerts=1)
    going.put(T0, 6)
    with pytest.raises(AssignmentLost):
        going.outbound.turn()
    assert (len(going.outbound), going.book.waiting) == (0, [])
    for sends in ({"alerts": 1}, {}):
        with pytest.raises(AssignmentLost):
            going.put(T0, 7, **sends)
    going.outbound.turn()
    assert going.calls == []
    going.outbound.reset()
    going.put(T0, 7, alerts=1)
    going.outbound.turn()
    assert going.calls == [(1, 0, {T0: 7})]


def test_no_more_is_taken_than_may_wait(going: Going) -> None:
    going = Going(most=2)
    going.put(T0, 1, alerts=1)
    going.put(T0, 2)
    with pytest.raises(KafkaUnavailable, match="does not take"):
        going.put(T0, 3)
    going.outbound.turn()
    going.put(T0, 3)
    assert going.calls == [(1, 0, {T0: 2}), (0, 0, {T0: 3})]


def test_the_time_of_the_transaction_is_told(going: Going) -> None:
    going.put(T0, 5, alerts=1)
    going.outbound.turn()
    seconds = going.metrics.registry.get_sample_value("fraud_sweep_step_seconds_total", {"step": "publish"})
    assert seconds


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([T0, T1]), st.integers(0, 2)),
            st.sampled_from(["turn", "away", "refused"]),
        ),
        max_size=30,
    )
)
def test_what_is_committed_is_what_was_sent_whatever_happens_between(steps: list[Any]) -> None:
    """Alerts that are out are those of the offsets that are committed: no more, no fewer."""
    going, sent = Going(), {T0: [0], T1: [0]}

    def turn() -> None:
        try:
            going.outbound.turn()
        except KafkaUnavailable:
            return
        except AssignmentLost:
            read_again()

    def read_again() -> None:
        going.outbound.reset()
        for place, counts in sent.items():
            del counts[going.outbox.offsets.get(place, 0) + 1 :]

    for step in steps:
        if step == "turn":
            turn()
        elif isinstance(step, str):
            going.failures = [KafkaUnavailable("away") if step == "away" else AssignmentLost("moved")]
            turn()
            going.failures = []
        else:
            place, count = step
            sent[place].append(count)
            going.put(place, len(sent[place]) - 1, alerts=count)
    while going.outbound:
        turn()
    assert {
        place: len(counts) - 1 for place, counts in sent.items() if len(counts) > 1
    } == going.outbox.offsets
    assert len(going.outbox.alerts) == sum(map(sum, sent.values()))


def test_a_transaction_has_so_many_records_at_most_and_one_sweep_at_least(going: Going) -> None:
    many = [ALERTS[0]] * 3000
    for offset in (1, 2, 3):
        going.outbound.publish(many, [], {T0: offset}, 1)
    going.outbound.publish([ALERTS[0]] * 6000, [], {T0: 4}, 1)
    for _ in range(4):
        going.outbound.turn()
    assert [count for count, _, _ in going.calls] == [3000, 3000, 3000, 6000]


def test_how_many_wait_is_told(going: Going) -> None:
    def told() -> float | None:
        return going.metrics.registry.get_sample_value("fraud_outbound_sweeps")

    going.put(T0, 1, alerts=1)
    going.put(T0, 2)
    assert told() == 2
    going.outbound.turn()
    assert told() == 0


def test_labels_are_returned_between_two_turns(going: Going) -> None:
    label = ParkedLabel(("labels-id", 0, 1), b"key", b"{}")
    going.outbound.return_labels([label])
    assert going.outbox.returned == [label]
    with going.outbound._sending, pytest.raises(KafkaUnavailable, match="slow"):
        going.outbound.return_labels([label])
