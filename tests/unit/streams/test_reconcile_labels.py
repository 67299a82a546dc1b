"""Each label below the committed offsets was taken, waits, repeats another, was set aside, or came again."""

from typing import Any, cast

import pytest
from msgspec import structs

from load.doubles import FakeTopics
from streams.codecs import NO_TRANSACTION
from streams.reconcile import labels
from tests.builders import encoded, label, transaction
from tests.unit.streams.reconciled import Traffic


def labelled() -> Traffic:
    """One taken (0), one that repeats it (1), one that waits (2), one set aside (3)."""
    world = Traffic()
    world.send(transaction("known"))
    world.label(label("known"), label("known"), label("unknown", version=7), b"{oops")
    return world


def test_labels_of_all_kinds_are_in_order() -> None:
    told = labelled().reconcile()
    assert told["findings"] == 0
    kinds = ("records", "own", "repeated", "parked", "dead", "returned", "wrong")
    assert [told["partitions"][2][kind] for kind in kinds] == [4, 1, 1, 1, 1, 0, 0]


def test_a_label_that_was_taken_and_is_gone_is_lost_and_so_is_what_repeats_it() -> None:
    world = labelled()
    del world.ledger.labels["known", 1]
    assert world.found("labels") == [
        "label labels/0/0 (version 1 of known) has left no trace",
        "label labels/0/1 (version 1 of known) has left no trace",
    ]


def test_a_label_that_waited_and_is_gone_is_lost() -> None:
    world = labelled()
    world.ledger.parked.clear()
    assert world.found("labels") == ["label labels/0/2 (version 7 of unknown) has left no trace"]


@pytest.mark.parametrize(
    "damage", [{"label": "genuine"}, {"source": "analyst"}, {"label_id": "other"}, {"version": 2}], ids=str
)
def test_a_label_that_was_taken_as_something_else_is_found(damage: dict[str, Any]) -> None:
    world = labelled()
    row = world.ledger.labels["known", 1]
    row.label = structs.replace(row.label, **damage)
    verdict = ["the labels of known do not add up to the latest"] if "label" in damage else []
    taken = "label labels/0/0 (version 1 of known) was taken as something else"
    assert world.found("labels") == [taken, *verdict]


def test_a_label_that_waits_as_another_is_found() -> None:
    world = labelled()
    world.logs["labels"].partitions[0][2] = encoded(label("other"))
    assert world.found("labels") == ["label labels/0/2 (version 1 of other) waits as version 7 of unknown"]


@pytest.mark.parametrize("offset", [0, 3])
def test_a_label_that_is_recorded_and_waits_too_is_found(offset: int) -> None:
    world = labelled()
    world.ledger.parked["labels-id", 0, offset] = world.ledger.parked["labels-id", 0, 2]
    assert world.found("labels") == [f"label labels/0/{offset} is recorded as more than one thing"]


def test_a_malformed_label_that_was_not_set_aside_is_found() -> None:
    world = labelled()
    world.ledger.dead.clear()
    assert world.found("labels") == ["label labels/0/3 is malformed, and was not set aside"]


@pytest.mark.parametrize("table", ["labels", "parked", "dead"])
def test_what_is_recorded_where_the_log_holds_no_label_is_found(table: str) -> None:
    world = labelled()
    world.leave_hole("labels")
    world.label(label("known", version=2))
    ledger = world.ledger
    if table == "labels":
        ledger.labels["known", 1].owner = ("labels-id", 0, 4)
    elif table == "parked":
        ledger.parked["labels-id", 0, 4] = ledger.parked["labels-id", 0, 2]
    else:
        ledger.dead["labels-id", 0, 4] = ("not_json", "")
    assert world.found("labels") == ["what is recorded of label labels/0/4 has no record there"]


def test_labels_that_have_expired_are_not_missed() -> None:
    world = labelled()
    world.expired = {("labels", 0): 4}
    assert world.reconcile()["findings"] == 0


# Labels that were parked and produced again.


def returning() -> Traffic:
    """A label came before its transaction, that has come meanwhile."""
    world = Traffic()
    world.label(label("a"))
    world.send(transaction("a"))
    return world


@pytest.mark.parametrize("to", [0, 1])
def test_a_returned_label_whose_copy_was_taken_is_known(to: int) -> None:
    world = returning()
    world.give_back(0, to=to)
    world.work("labels", to)
    assert world.reconcile()["findings"] == 0


@pytest.mark.parametrize("to", [0, 1])
def test_a_returned_label_whose_copy_is_still_to_come_is_not_missed(to: int) -> None:
    world = returning()
    world.give_back(0, to=to)
    told = world.reconcile()
    assert told["findings"] == 0
    assert told["partitions"][2]["returned"] == 1


def test_a_copy_that_was_written_and_is_being_committed_is_waited_for() -> None:
    world = returning()
    world.give_back(0)
    world.open["labels", 0] = 1
    assert world.reconcile()["findings"] == 0


def test_a_label_that_another_copy_waits_for_is_not_lost() -> None:
    world = Traffic()
    world.label(label("a"), label("a"))
    del world.ledger.parked["labels-id", 0, 0]
    tally = world.outcome().partitions[2]
    assert (tally["wrong"], tally["repeated"], tally["parked"]) == (0, 1, 1)


def test_a_label_that_was_unparked_and_never_produced_again_is_lost() -> None:
    world = returning()
    world.ledger.parked.clear()
    world.label(label("a", version=2), label("b"))
    assert world.found("labels") == ["label labels/0/0 (version 1 of a) has left no trace"]


def expired(copy_in: int = 0) -> Traffic:
    """A label has waited in vain: its copy is a dead letter."""
    world = Traffic()
    world.label(label("a"))
    world.give_back(0, to=copy_in)
    world.set_aside("labels", copy_in, len(world.logs["labels"].partitions[copy_in]) - 1, NO_TRANSACTION)
    return world


def test_a_label_that_has_waited_in_vain_became_a_dead_letter_of_its_copy() -> None:
    told = expired().reconcile()
    assert told["findings"] == 0
    assert [told["partitions"][2][kind] for kind in ("records", "returned", "dead")] == [2, 1, 1]


def test_a_dead_letter_for_another_reason_is_no_trace() -> None:
    world = Traffic()
    world.label(label("a"))
    world.give_back(0)
    world.set_aside("labels", 0, 1, "invalid_value")
    assert world.found("labels") == ["label labels/0/0 (version 1 of a) has left no trace"]


def test_a_copy_that_was_set_aside_before_is_no_trace_of_a_label_that_came_after_it() -> None:
    world = expired()
    world.label(label("a"))
    world.ledger.parked.clear()
    assert world.found("labels") == ["label labels/0/2 (version 1 of a) has left no trace"]


@pytest.mark.parametrize("most_open", [1, 2, 100])
def test_however_many_copies_are_open_all_are_found_out(
    most_open: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "MOST_OPEN", most_open)
    world = Traffic()
    world.label(*(label(f"tx-{n}") for n in range(9)))
    for offset in range(5):
        world.give_back(offset)
    world.ledger.parked.clear()
    assert world.found("labels") == [
        f"label labels/0/{n} (version 1 of tx-{n}) has left no trace" for n in range(5, 9)
    ]


@pytest.mark.parametrize("handled", [False, True])
def test_a_label_that_is_returned_just_before_it_is_looked_for_is_not_missed(
    handled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its copy came after the range was taken: the topic is read to where it ends by then."""
    world = returning()
    stores, ask = world.stores(), world.books.parked

    def return_then_ask(*where: Any) -> Any:
        if world.ledger.parked:
            world.give_back(0)
            cast(FakeTopics, stores.log).logs = world.topics().logs
            if handled:
                world.work("labels")
        return ask(*where)

    monkeypatch.setattr(world.books, "parked", return_then_ask)
    tally = world.outcome(stores=stores).partitions[2]
    assert (tally["wrong"], tally["repeated"], tally["returned"]) == (0, int(handled), int(not handled))
