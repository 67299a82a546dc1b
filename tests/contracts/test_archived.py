"""An id whose decision has left for the archive is decided for good: for stream, gateway and labels."""

from typing import Any

import msgspec
import numpy as np
import pytest

from models.archived import ArchivedDecision, archived
from models.decision import decision_of
from models.features import FEATURE_NAMES
from models.transaction import decode_transaction
from streams.answered import Answered
from streams.ledger.settling import COPIED_FROM
from streams.ports import Duplicates, LabelsSettled, Settled
from streams.topics import Partition
from tests.builders import TOPIC_IDS, decided, label, transaction
from tests.contracts.ledger_worlds import LedgerThatTells, LedgerWorld
from tests.contracts.offers import (
    CODEC,
    decide,
    decisions_on,
    due,
    following,
    label_next,
    offer,
    owners,
    step_for,
)

REVIEWED = 20_000
FEATURES = np.zeros(len(FEATURE_NAMES), np.float32)


@pytest.fixture(params=[1, COPIED_FROM], ids=["copied", "inserted"])
def copied_from(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def left(ledgers: LedgerWorld) -> ArchivedDecision:
    """What is left of `a`, a review, which has a neighbour `b` that stays."""
    decide(ledgers.ledger, document("a"), document("b"))
    held = ledgers.ledger.decision("a")
    assert held is not None
    ledgers.archive("a")
    return archived(held)


def document(name: str, **changes: Any) -> dict[str, Any]:
    return transaction(name, amount_minor=REVIEWED, attributes={"channel": "web", "tries": 3}) | changes


def as_answered(ledgers: LedgerWorld, name: str, **changes: Any) -> Answered:
    """What a gateway would insert for a transaction like the archived one."""
    like = decided(
        transaction_id=name,
        path="rest",
        amount_minor=REVIEWED,
        event_time=msgspec.convert(document(name)["event_time"], type(decided().event_time)),
        attributes={"channel": "web", "tries": 3},
    )
    return Answered(msgspec.structs.replace(like, **changes), FEATURES)


def test_the_decision_is_known_and_has_no_row(ledger: LedgerThatTells, left: ArchivedDecision) -> None:
    assert ledger.decision("a") is None
    assert ledger.archived("a") == left
    assert left.decision.reasons
    assert ledger.archived("b") is None


def test_a_late_copy_is_a_duplicate(ledger: LedgerThatTells, left: ArchivedDecision) -> None:
    assert offer(ledger, following(ledger, document("a"))) == Duplicates([0], [])
    assert ledger.decision("a") is None
    assert ledger.progress("transactions-id", [0]) == {0: 2}


@pytest.mark.parametrize(
    "other",
    [
        {"amount_minor": 1},
        {"customer_id": "c-9"},
        {"terminal_id": "t-9"},
        {"event_time": "2023-11-15T00:00:00Z"},
        {"attributes": {"channel": "web", "tries": 4}},
        {"attributes": None},
    ],
    ids=str,
)
def test_a_late_copy_with_another_body_is_a_conflict(
    ledger: LedgerThatTells, left: ArchivedDecision, other: dict[str, Any]
) -> None:
    sweep = following(ledger, document("c"), document("a", **other))
    assert offer(ledger, sweep) == Duplicates([1], [1])


def test_numbers_that_are_equal_make_no_other_body(ledger: LedgerThatTells, left: ArchivedDecision) -> None:
    same = document("a", attributes={"tries": 3.0, "channel": "web"})
    assert offer(ledger, following(ledger, same)) == Duplicates([0], [])


def test_a_sweep_without_it_is_taken(ledger: LedgerThatTells, left: ArchivedDecision) -> None:
    sweep = following(ledger, document("a"), document("c"))
    assert offer(ledger, sweep, leave_out=[0]) == Settled()
    assert owners(ledger) == {1: "b", 3: "c"}


def test_beside_dead_letters_and_in_a_new_partition_it_is_a_duplicate_too(
    ledger: LedgerThatTells, left: ArchivedDecision
) -> None:
    assert offer(ledger, following(ledger, b"{oops", document("a"))) == Duplicates([0], [])
    assert offer(ledger, following(ledger, document("a"), partition=1)) == Duplicates([0], [])
    assert offer(ledger, following(ledger, document("d"), partition=1)) == Settled()


def test_of_archived_ids_and_others_all_are_told_in_the_end(
    ledger: LedgerThatTells, left: ArchivedDecision
) -> None:
    """Those that have rows and those that are archived one after the other, whichever is first."""
    sweep = following(ledger, document("b"), document("a"), document("c"))
    first = offer(ledger, sweep)
    assert isinstance(first, Duplicates)
    assert first in (Duplicates([0], []), Duplicates([1], []))
    assert offer(ledger, sweep, leave_out=first.rows) == Duplicates([0], [])
    assert offer(ledger, sweep, leave_out=[0, 1]) == Settled()


def test_what_a_gateway_answers_meanwhile_is_counted_as_a_conflict(
    ledgers: LedgerWorld, left: ArchivedDecision
) -> None:
    mark = as_answered(ledgers, "a", score=0.123)
    ledger, sweep = ledgers.ledger, following(ledgers.ledger, document("a"))
    batch, dead = CODEC.decode(sweep)
    rows = decisions_on(batch, answered={"a": mark})
    assert ledger.settle_decisions(step_for(ledger, sweep, dead), rows) == Duplicates([0], [], 1)


def test_a_gateway_hears_what_stands_and_the_others_are_inserted(
    ledgers: LedgerWorld, left: ArchivedDecision
) -> None:
    asked = [as_answered(ledgers, name) for name in ("c", "a", "b")]
    standing = ledgers.ledger.answer(asked)
    assert standing["a"] == left
    assert standing.keys() == {"a", "b"}
    assert ledgers.ledger.decision("c") == asked[0].decided
    assert ledgers.ledger.decision("a") is None


def test_a_label_of_an_archived_transaction_is_taken_and_leaves_no_mark(
    ledger: LedgerThatTells, left: ArchivedDecision
) -> None:
    assert label_next(ledger, label("a")) == LabelsSettled([])
    assert label_next(ledger, label("a")) == LabelsSettled([], repeated=1)
    assert label_next(ledger, label("a", version=2, label="genuine")) == LabelsSettled([])


def test_a_label_that_waits_is_due_once_its_transaction_is_archived(ledgers: LedgerWorld) -> None:
    label_next(ledgers.ledger, label("a"))
    assert due(ledgers.ledger) == []
    decide(ledgers.ledger, document("a"))
    ledgers.archive("a")
    assert [each.expired for each in due(ledgers.ledger)] == [False]


def test_nothing_archived_is_healed_from(ledger: LedgerThatTells, left: ArchivedDecision) -> None:
    label_next(ledger, label("a"))
    found, reached = ledger.additions(Partition(TOPIC_IDS["transactions"], 0), 0, 2, 10)
    assert (found.ids["customer"], reached) == (["c-1"], 2)
    marks, _ = ledger.additions(Partition(TOPIC_IDS["labels"], 0), 0, 1, 10)
    assert marks.ids["terminal"] == []


def test_whoever_has_the_transaction_has_the_whole_row_again(left: ArchivedDecision) -> None:
    again = left.about(decode_transaction(msgspec.json.encode(document("a"))))
    assert (decision_of(again), archived(again)) == (left.decision, left)
