"""Labels in the ledger: the latest version counts, a mark is what it changes, and none comes too early."""

from functools import partial

import msgspec
import numpy as np
import pytest

from models.errors import ProgressMoved
from streams.ports import LabelsSettled, Mark, ParkedLabel
from tests.builders import NO_TIME_S, NOON_MS, WAIT_S, label, transaction
from tests.contracts.ledger_worlds import LedgerThatTells, LedgerWorld
from tests.contracts.offers import decide, due, following, label_next, offer_labels, recorded, records

NOON_S = NOON_MS // 1000


def deltas(settled: LabelsSettled) -> list[int]:
    return [mark.delta for mark in settled.marks]


def test_a_fraud_marks_its_terminal_at_the_time_of_the_transaction(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a", day=2, terminal_id="t-7"))
    settled = label_next(ledger, label("a"))
    assert settled == LabelsSettled([Mark("t-7", NOON_S + 2 * 86_400, 1)])


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([(1, "fraud"), (2, "genuine")], [1, -1]),
        ([(2, "genuine"), (1, "fraud")], [0, 0]),
        ([(1, "fraud"), (2, "fraud"), (3, "unknown")], [1, 0, -1]),
        ([(3, "fraud"), (2, "genuine"), (1, "fraud")], [1, 0, 0]),
        ([(0, "genuine"), (2**31 - 1, "fraud")], [0, 1]),
    ],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one sweep", "one by one"])
def test_the_latest_version_counts_in_whatever_order_they_come(
    ledger: LedgerThatTells, versions: list[tuple[int, str]], expected: list[int], at_once: bool
) -> None:
    decide(ledger, transaction("a"))
    documents = [label("a", version=version, label=verdict) for version, verdict in versions]
    sweeps = [documents] if at_once else [[each] for each in documents]
    assert [delta for sweep in sweeps for delta in deltas(label_next(ledger, *sweep))] == expected


def test_a_version_is_never_rewritten(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    label_next(ledger, label("a", version=1, label="genuine"))
    assert label_next(ledger, label("a", version=1, label="fraud")) == LabelsSettled([], repeated=1)
    assert deltas(label_next(ledger, label("a", version=2, label="fraud"))) == [1]


def test_the_same_label_twice_in_a_sweep_counts_once(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    settled = label_next(ledger, label("a"), label("a"))
    assert (deltas(settled), settled.repeated) == ([1], 1)


def test_a_label_of_a_late_transaction_is_taken_and_changes_nothing(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), late=np.array([True]))
    settled = label_next(ledger, label("a"))
    assert (deltas(settled), settled.parked, settled.repeated) == ([0], 0, 0)


def test_a_label_before_its_transaction_is_parked_until_that_has_come(ledger: LedgerThatTells) -> None:
    assert label_next(ledger, label("a"), label("b")) == LabelsSettled([], parked=2)
    assert due(ledger) == []
    decide(ledger, transaction("a"))
    assert [(ready.place, ready.expired) for ready in due(ledger)] == [(("labels-id", 0, 0), False)]


def test_a_parked_label_keeps_its_bytes_and_key_as_they_came(ledger: LedgerThatTells) -> None:
    spaced = msgspec.json.format(msgspec.json.encode(label("a", unknown="kept")))
    label_next(ledger, spaced)
    decide(ledger, transaction("a"))
    assert [(ready.key, ready.value) for ready in due(ledger)] == [(b"key", spaced)]


def test_a_label_that_has_waited_too_long_is_due_and_expired(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"), label("never"))
    decide(ledger, transaction("a"))
    found = ledger.due_labels(None, 10, NO_TIME_S).labels
    assert [(each.place[2], each.expired) for each in found] == [(0, False), (1, True)]
    assert [each.place[2] for each in due(ledger)] == [0]


def test_a_look_at_the_parked_labels_goes_on_where_the_last_one_ended(ledger: LedgerThatTells) -> None:
    label_next(ledger, *(label(name) for name in "abcd"))
    decide(ledger, transaction("a"), transaction("d"))
    first = ledger.due_labels(None, 2, WAIT_S)
    assert ([each.place[2] for each in first.labels], first.last) == ([0], ("labels-id", 0, 1))
    second = ledger.due_labels(first.last, 2, WAIT_S)
    assert ([each.place[2] for each in second.labels], second.last) == ([3], ("labels-id", 0, 3))
    assert ledger.due_labels(second.last, 2, WAIT_S) == ([], None)


def test_a_parked_label_waits_until_it_has_been_produced_again(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"))
    decide(ledger, transaction("a"))
    assert due(ledger) == due(ledger) != []
    ledger.unpark(due(ledger))
    assert due(ledger) == []


def test_only_what_was_produced_again_is_forgotten(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"), label("b"), label("c"))
    decide(ledger, transaction("a"), transaction("b"), transaction("c"))
    ledger.unpark(due(ledger, 2))
    assert [each.place[2] for each in due(ledger)] == [2]


def test_forgetting_none_forgets_none(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"))
    decide(ledger, transaction("a"))
    ledger.unpark([])
    assert len(due(ledger)) == 1


def test_forgetting_twice_is_as_good_as_once(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"))
    decide(ledger, transaction("a"))
    ready = due(ledger)
    ledger.unpark(ready)
    ledger.unpark([*ready, ParkedLabel(("labels-id", 9, 9), None, b"")])
    assert due(ledger) == []


def test_the_copy_takes_effect_under_its_own_offset(ledger: LedgerThatTells) -> None:
    label_next(ledger, label("a"))
    decide(ledger, transaction("a"))
    (ready,) = due(ledger)
    assert deltas(label_next(ledger, ready.value)) == [1]
    ledger.unpark([ready])
    assert label_next(ledger, ready.value) == LabelsSettled([], repeated=1)


def test_ready_labels_come_in_the_order_of_their_offsets(ledger: LedgerThatTells) -> None:
    label_next(ledger, *(label(name) for name in "cab"))
    decide(ledger, *(transaction(name) for name in "abc"))
    assert [each.place[2] for each in due(ledger)] == [0, 1, 2]
    assert [each.place[2] for each in due(ledger, 2)] == [0, 1]


def test_a_sweep_may_park_repeat_and_mark_at_once(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), transaction("b", terminal_id="t-2"))
    label_next(ledger, label("a"))
    settled = label_next(ledger, label("unknown"), label("a"), label("b"), b"{oops")
    assert settled == LabelsSettled([Mark("t-2", NOON_S, 1)], parked=1, repeated=1)
    assert list(recorded(ledger, topic="labels").dead) == [(0, 4)]
    assert ledger.progress("labels-id", [0]) == {0: 5}


@pytest.mark.parametrize("believed", [0, 2])
def test_labels_on_other_progress_are_refused_whole(ledger: LedgerThatTells, believed: int) -> None:
    decide(ledger, transaction("a"))
    label_next(ledger, label("b"))
    sweep = following(ledger, label("a"), label("c"), b"{oops", topic="labels")
    with pytest.raises(ProgressMoved):
        offer_labels(ledger, sweep, expected={0: believed})
    decide(ledger, transaction("c"))
    assert due(ledger) == []
    assert recorded(ledger, topic="labels").dead == {}
    assert deltas(offer_labels(ledger, sweep)) == [1, 1]


def test_progress_on_labels_never_goes_back(ledger: LedgerThatTells) -> None:
    label_next(ledger, *(label(f"tx-{number}") for number in range(5)))
    with pytest.raises(ProgressMoved):
        offer_labels(ledger, records(label("late comer"), first=1, topic="labels"))
    assert ledger.progress("labels-id", [0]) == {0: 5}


def test_labels_and_transactions_progress_apart(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    label_next(ledger, label("a"), label("a", version=2))
    assert ledger.all_progress() == {("transactions-id", 0): 1, ("labels-id", 0): 2}


def test_versions_that_come_to_two_workers_at_once_add_up(ledgers: LedgerWorld) -> None:
    for turn in range(5):
        decide(ledgers.ledger, transaction(f"tx-{turn}"))
        sweeps = [
            following(ledgers.ledger, label(f"tx-{turn}", version=number), partition=number, topic="labels")
            for number in range(4)
        ]
        settled = ledgers.at_once(*(partial(offer_labels, ledgers.another(), sweep) for sweep in sweeps))
        assert sorted(delta for each in settled for delta in deltas(each)) == [0, 0, 0, 1]
