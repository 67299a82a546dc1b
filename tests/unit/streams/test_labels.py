"""What a sweep of labels leaves behind."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from load.doubles import FakeOutbox, FakeView
from models.features import FEATURE_NAMES
from models.history import MARK, pack
from streams.arrivals import EXPIRED_HEADER, Sweep
from streams.labels import LOOK_AT_ONCE
from tests.builders import NOON_MS, WAIT_S, Log, Worker, continued, encoded, label, sweep_of, transaction


def marks(worker: Worker) -> list[int]:
    """The deltas in the terminal's history, in the order of appending."""
    raw = next(raw for (_, entity, _), raw in worker.view.state[0].histories.items() if entity == "terminal")
    values = np.frombuffer(raw, [("time_s", "<u4"), ("value", "<i8")])["value"]
    return [int(value) >> 2 for value in values if int(value) & 3 == MARK]


def decided(*names: str) -> Worker:
    worker = Worker()
    worker.decide(*(transaction(name) for name in names))
    return worker


def test_a_fraud_is_marked_at_its_terminal_at_the_time_of_the_transaction() -> None:
    worker = decided("tx-1")
    worker.label(label("tx-1"))
    mark = pack(np.array([NOON_MS // 1000]), np.array([1]), MARK).tobytes()
    assert worker.view.state[0].histories[worker.view.state[0].view, "terminal", "t-1"].endswith(mark)
    assert worker.ledger.latest_label("tx-1") == "fraud"


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["genuine"], []),
        (["fraud", "genuine"], [1, -1]),
        (["fraud", "fraud"], [1]),
        (["genuine", "fraud", "unknown"], [1, -1]),
    ],
)
def test_the_latest_version_counts_and_a_mark_is_what_it_changes(
    verdicts: list[str], expected: list[int]
) -> None:
    worker = decided("tx-1")
    worker.label(*(label("tx-1", version=n, label=verdict) for n, verdict in enumerate(verdicts)))
    assert marks(worker) == expected


def test_versions_may_come_in_any_order() -> None:
    worker = decided("tx-1")
    worker.label(label("tx-1", version=2, label="genuine"), label("tx-1", version=1, label="fraud"))
    assert marks(worker) == []
    assert worker.ledger.latest_label("tx-1") == "genuine"


def test_the_same_label_any_number_of_times_counts_once() -> None:
    worker = decided("tx-1")
    worker.label(label("tx-1"), label("tx-1"))
    worker.label(label("tx-1"))
    assert marks(worker) == [1]
    assert worker.metric("fraud_labels_total", outcome="repeated") == 2


def test_a_label_before_its_transaction_waits_and_then_counts_once() -> None:
    worker = Worker()
    worker.label(label("tx-1"))
    assert worker.labels.return_due() == 0
    worker.decide(transaction("tx-1"))
    assert worker.labels.return_due() == 1
    worker.label(*(returned.value for returned in worker.outbox.returned))
    assert marks(worker) == [1]
    assert worker.labels.return_due() == 0
    assert worker.metric("fraud_labels_total", outcome="parked") == 1


def returned(worker: Worker) -> Sweep:
    """The labels that went back to their topic, as the next records of it."""
    sweep = continued(worker.ledger, "labels", [each.value for each in worker.outbox.returned])
    marked = [[(EXPIRED_HEADER, b"true")] if each.expired else None for each in worker.outbox.returned]
    return replace(sweep, headers=marked)


def test_a_label_whose_transaction_does_not_come_in_time_becomes_a_dead_letter() -> None:
    worker = Worker()
    worker.label(label("never", note="as it came"))
    worker.ledger.clock = lambda: WAIT_S + 1
    assert worker.labels.return_due() == 1
    worker.handle(returned(worker))
    (letter,) = worker.outbox.dead
    assert (letter.offset, letter.reason, letter.stage) == (1, "no_transaction", "parked")
    assert letter.value == encoded(label("never", note="as it came"))
    assert worker.labels.return_due() == 0
    assert worker.metric("fraud_labels_total", outcome="expired") == 1


def test_a_label_that_has_expired_is_set_aside_again_after_a_crash() -> None:
    worker = Worker()
    worker.label(label("never"))
    worker.ledger.clock = lambda: WAIT_S + 1
    worker.labels.return_due()
    copy = returned(worker)
    worker.handle(copy)
    again = worker.restarted(outbox=FakeOutbox())
    again.handle(copy)
    assert again.outbox.dead == worker.outbox.dead


def test_a_label_waits_for_its_time_and_no_longer() -> None:
    worker = Worker()
    worker.label(label("never"))
    worker.ledger.clock = lambda: WAIT_S
    assert worker.labels.return_due() == 0


def test_labels_that_wait_do_not_keep_others_from_being_returned() -> None:
    """A look goes through a part of them, and the next one goes on from there."""
    worker = Worker()
    worker.label(*(label(f"never-{n}") for n in range(LOOK_AT_ONCE)), label("tx-1"))
    worker.decide(transaction("tx-1"))
    assert [worker.labels.return_due() for _ in range(3)] == [0, 1, 0]


def test_labels_that_come_again_change_nothing() -> None:
    worker = decided("tx-1")
    sweep = sweep_of(label("tx-1"), topic="labels")
    worker.handle(sweep)
    worker.restarted().handle(sweep)
    assert marks(worker) == [1]


def test_a_label_of_a_late_transaction_is_kept_but_marks_nothing() -> None:
    worker = Worker()
    worker.decide(transaction("new", day=60), transaction("old", day=0))
    worker.label(label("old"))
    assert marks(worker) == []
    assert worker.ledger.latest_label("old") == "fraud"


def test_a_malformed_label_is_set_aside_and_the_next_one_is_untouched() -> None:
    worker = decided("tx-1")
    worker.label(label("tx-1", label="maybe"), label("tx-1"))
    assert [(dead.topic, dead.offset, dead.reason) for dead in worker.outbox.dead] == [
        ("labels", 0, "invalid_value")
    ]
    assert marks(worker) == [1]


def test_dead_labels_that_come_again_are_set_aside_again() -> None:
    worker = Worker()
    sweep = sweep_of(b"?", topic="labels")
    worker.handle(sweep)
    again = worker.restarted(outbox=FakeOutbox())
    again.handle(sweep)
    assert [dead.value for dead in again.outbox.dead] == [b"?"]


def test_a_view_made_anew_holds_the_same_marks() -> None:
    worker = decided("tx-1", "tx-2")
    worker.label(label("tx-1"), label("tx-2"), label("tx-2", version=2, label="genuine"))
    healed = worker.restarted(view=FakeView())
    healed.keeper.heal()
    assert healed.histories() == worker.histories()


def test_a_labelled_fraud_shows_in_the_features_a_week_later() -> None:
    worker = decided("tx-1")
    worker.label(label("tx-1"))
    worker.decide(transaction("tx-2", day=7.5))
    features: Any = worker.ledger.rows["tx-2"].features
    assert features[FEATURE_NAMES.index("terminal_fraud_share_1d")] == 1


def test_labels_of_several_partitions_settle_apart() -> None:
    worker = decided("tx-1", "tx-2")
    log = Log("labels")
    log.produce(label("tx-1"), partition=0)
    log.produce(label("tx-2"), partition=5)
    worker.handle(log.sweep())
    assert worker.ledger.progress("labels-id", [0, 5]) == {0: 1, 5: 1}
    assert marks(worker) == [1, 1]
