"""The outbox: alerts, dead letters and offsets are seen together, once, or not at all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from models.decision import DecidedTransaction, alert_of
from models.errors import AssignmentLost, KafkaUnavailable, SlotTaken
from streams.arrivals import DeadLetter
from streams.ports import Outbox, ParkedLabel
from streams.topics import LARGEST_DEAD_LETTER_BYTES
from streams.verdicts import decided_row
from tests.builders import BROKER_MS, transaction
from tests.contracts.kafka_worlds import SOURCES, KafkaWorld, Letter
from tests.contracts.offers import CODEC, decisions_on, records


def reviews(*names: str) -> list[DecidedTransaction]:
    """Decisions that somebody must look at."""
    documents = [transaction(name, customer_id=f"c-{name}", amount_minor=20_000) for name in names]
    batch, _ = CODEC.decode(records(*documents))
    rows = decisions_on(batch)
    return [decided_row(rows, row) for row in range(len(names))]


def dead_letter(kafka: KafkaWorld, value: bytes | None = b"{oops", source: str = SOURCES[0]) -> DeadLetter:
    return DeadLetter(
        kafka.topic(source), f"{source}-id", 1, 7, BROKER_MS, b"key", value, "not_json", "no object"
    )


def offsets(kafka: KafkaWorld, **next_offsets: int) -> dict[tuple[str, int], int]:
    """Offsets of `transactions`, by partition: p0, p1."""
    return {(kafka.topic("transactions"), int(name[1:])): offset for name, offset in next_offsets.items()}


def alerted(kafka: KafkaWorld) -> list[str]:
    return sorted(alert.transaction_id for alert in kafka.subscribed().alerts)


class Interrupted(Exception):
    """What ends a process in the middle of things."""


class CutShort(list[DecidedTransaction]):
    """Alerts after which something happens to the worker that is sending them."""

    def __init__(self, alerts: list[DecidedTransaction], then: Callable[[], Any]) -> None:
        super().__init__(alerts)
        self._then = then

    def __iter__(self) -> Iterator[DecidedTransaction]:
        yield from super().__iter__()
        self._then()


def die() -> None:
    raise Interrupted


def test_an_alert_is_seen_once_as_it_was_decided(kafka: KafkaWorld) -> None:
    made = reviews("a", "b")
    kafka.outbox().publish(made, [], offsets(kafka, p0=2), kafka.group())
    seen = sorted(kafka.subscribed().alerts, key=lambda alert: alert.transaction_id)
    assert seen == [alert_of(decided) for decided in made]


@pytest.mark.parametrize("source", SOURCES)
def test_a_dead_letter_is_the_original_and_says_why(kafka: KafkaWorld, source: str) -> None:
    values = [b"{oops", b"\x00\xff", b"", None]
    letters = [dead_letter(kafka, value, source) for value in values]
    kafka.outbox().publish([], letters, offsets(kafka, p0=4), kafka.group())
    seen = sorted(kafka.subscribed().dead, key=lambda letter: values.index(letter.value))
    assert seen == [Letter(b"key", value, "not_json", (kafka.topic(source), 1, 7)) for value in values]


def test_alerts_dead_letters_and_offsets_come_together(kafka: KafkaWorld) -> None:
    outbox = kafka.outbox()
    outbox.publish(reviews("a"), [dead_letter(kafka)], offsets(kafka, p0=2, p1=5), kafka.group())
    assert alerted(kafka) == ["a"]
    assert len(kafka.subscribed().dead) == 1
    assert kafka.committed() == offsets(kafka, p0=2, p1=5)


def test_offsets_alone_show_nothing_and_follow_later(kafka: KafkaWorld) -> None:
    kafka.outbox().publish([], [], offsets(kafka, p0=3), kafka.group())
    kafka.commit_owed()
    assert kafka.committed() == offsets(kafka, p0=3)
    assert kafka.subscribed() == ([], [], [])


def test_a_plain_commit_never_goes_behind_a_transaction(kafka: KafkaWorld) -> None:
    outbox = kafka.outbox()
    outbox.publish([], [], offsets(kafka, p0=3, p1=4), kafka.group())
    outbox.publish(reviews("a"), [], offsets(kafka, p0=5), kafka.group())
    kafka.commit_owed()
    assert kafka.committed() == offsets(kafka, p0=5, p1=4)


def test_offsets_after_a_transaction_follow_too(kafka: KafkaWorld) -> None:
    outbox = kafka.outbox()
    outbox.publish(reviews("a"), [], offsets(kafka, p0=5), kafka.group())
    outbox.publish([], [], offsets(kafka, p0=8), kafka.group())
    kafka.commit_owed()
    assert kafka.committed() == offsets(kafka, p0=8)


def test_a_worker_that_dies_in_the_middle_has_shown_nothing(kafka: KafkaWorld) -> None:
    outbox = kafka.outbox()
    with pytest.raises(Interrupted):
        outbox.publish(CutShort(reviews("a", "b"), die), [], offsets(kafka, p0=2), kafka.group())
    assert kafka.subscribed(cut_short=True).alerts == []
    assert kafka.committed() == {}


def test_its_successor_in_the_slot_shows_the_same_once(kafka: KafkaWorld) -> None:
    dying = kafka.outbox()
    with pytest.raises(Interrupted):
        dying.publish(CutShort(reviews("a", "b"), die), [], offsets(kafka, p0=2), kafka.group())
    kafka.outbox().publish(reviews("a", "b"), [], offsets(kafka, p0=2), kafka.group())
    assert alerted(kafka) == ["a", "b"]
    assert kafka.committed() == offsets(kafka, p0=2)


def test_a_fenced_predecessor_is_refused_every_time(kafka: KafkaWorld) -> None:
    predecessor = kafka.outbox()
    predecessor.publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    successor = kafka.outbox()
    for _ in range(2):
        with pytest.raises(SlotTaken):
            predecessor.publish(reviews("b"), [], offsets(kafka, p0=2), kafka.group())
    with pytest.raises(SlotTaken):
        predecessor.return_labels([ParkedLabel(("id", 0, 0), b"key", b"{}")])
    successor.publish(reviews("c"), [], offsets(kafka, p0=3), kafka.group())
    assert alerted(kafka) == ["a", "c"]
    assert kafka.committed() == offsets(kafka, p0=3)
    assert kafka.subscribed().labels == []


def test_a_predecessor_that_is_fenced_in_the_middle_shows_nothing(kafka: KafkaWorld) -> None:
    predecessor, successors = kafka.outbox(), list[Outbox]()
    alerts = CutShort(reviews("a"), lambda: successors.append(kafka.outbox()))
    with pytest.raises(SlotTaken):
        predecessor.publish(alerts, [], offsets(kafka, p0=1), kafka.group())
    assert alerted(kafka) == []
    successors[0].publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    assert alerted(kafka) == ["a"]


def test_a_predecessor_that_fails_as_it_is_fenced_does_not_fence_in_turn(kafka: KafkaWorld) -> None:
    predecessor, successors = kafka.outbox(), list[Outbox]()
    alerts = CutShort(reviews("a"), lambda: successors.append(kafka.outbox()))
    too_large = dead_letter(kafka, value=b"x" * (LARGEST_DEAD_LETTER_BYTES + 1))
    with pytest.raises((SlotTaken, KafkaUnavailable)):
        predecessor.publish(alerts, [too_large], offsets(kafka, p0=1), kafka.group())
    with pytest.raises(SlotTaken):
        predecessor.publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    successors[0].publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    assert alerted(kafka) == ["a"]


def test_workers_in_other_slots_do_not_fence_each_other(kafka: KafkaWorld) -> None:
    one, other = kafka.outbox(slot=0), kafka.outbox(slot=1)
    one.publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    other.publish(reviews("b"), [], offsets(kafka, p1=1), kafka.group())
    one.publish(reviews("c"), [], offsets(kafka, p0=2), kafka.group())
    assert alerted(kafka) == ["a", "b", "c"]
    assert kafka.committed() == offsets(kafka, p0=2, p1=1)


def test_whoever_speaks_for_an_older_group_is_refused_and_shows_nothing(kafka: KafkaWorld) -> None:
    outbox, captured = kafka.outbox(), kafka.group()
    kafka.replace_member()
    with pytest.raises(AssignmentLost):
        outbox.publish(reviews("a"), [dead_letter(kafka)], offsets(kafka, p0=1), captured)
    assert kafka.subscribed() == ([], [], [])
    assert kafka.committed() == {}


def test_after_a_refusal_the_next_sweep_goes_out(kafka: KafkaWorld) -> None:
    outbox, captured = kafka.outbox(), kafka.group()
    kafka.replace_member()
    with pytest.raises(AssignmentLost):
        outbox.publish(reviews("a"), [], offsets(kafka, p0=1), captured)
    outbox.publish(reviews("b"), [], offsets(kafka, p0=2), kafka.group())
    assert alerted(kafka) == ["b"]
    assert kafka.committed() == offsets(kafka, p0=2)


def test_plain_offsets_of_an_older_group_move_nothing(kafka: KafkaWorld) -> None:
    outbox, captured = kafka.outbox(), kafka.group()
    kafka.replace_member()
    outbox.publish([], [], offsets(kafka, p0=1), captured)
    kafka.commit_owed()
    assert kafka.committed() == {}


def test_what_kafka_will_not_take_shows_nothing_and_can_be_left_out(kafka: KafkaWorld) -> None:
    outbox = kafka.outbox()
    too_large = dead_letter(kafka, value=b"x" * (LARGEST_DEAD_LETTER_BYTES + 1))
    with pytest.raises(KafkaUnavailable):
        outbox.publish(reviews("a"), [too_large], offsets(kafka, p0=1), kafka.group())
    assert kafka.subscribed() == ([], [], [])
    outbox.publish(reviews("a"), [], offsets(kafka, p0=1), kafka.group())
    assert alerted(kafka) == ["a"]
    assert kafka.committed() == offsets(kafka, p0=1)


def test_parked_labels_are_on_their_topic_again_as_they_were(kafka: KafkaWorld) -> None:
    kafka.outbox().return_labels(
        [ParkedLabel(("id", 0, 4), b"c-1", b'{"label":1}'), ParkedLabel(("id", 1, 9), None, b"{}")]
    )
    assert sorted(kafka.subscribed().labels, key=repr) == [(None, b"{}"), (b"c-1", b'{"label":1}')]
    assert kafka.committed() == {}
