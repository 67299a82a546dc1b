"""The ledger gives back what it took: decisions, dead letters, and what a view is made from."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from models.errors import LedgerUnavailable
from models.history import EVENT, MARK, pack
from streams.ports import Settled, Step
from streams.topics import Partition
from streams.verdicts import decided_row
from tests.builders import NOON_MS, label, transaction
from tests.contracts.ledger_worlds import LedgerThatTells, LedgerWorld
from tests.contracts.offers import (
    CODEC,
    appended,
    decide,
    decisions_on,
    label_next,
    offer,
    offer_labels,
    owners,
    recorded,
    records,
)

TRANSACTIONS, LABELS = Partition("transactions-id", 0), Partition("labels-id", 0)
NOON_S = NOON_MS // 1000
AWKWARD = ['a"b', "a\\b", "{a}", "a,b", "NULL", "'; --", "%s", " padded ", "ünïcödé", "💳" * 32]


@pytest.mark.parametrize("name", AWKWARD)
def test_any_printable_id_comes_back(ledger: LedgerThatTells, name: str) -> None:
    document = transaction(name, customer_id=name, terminal_id=name, attributes={name: name})
    decide(ledger, document, transaction("plain"))
    found = ledger.decision(name)
    assert found is not None
    assert (found.transaction_id, found.customer_id, found.terminal_id) == (name, name, name)
    assert found.attributes == {name: name}


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63 - 1, -(2**63) + 1, 0.1, -0.0, 1.0, 1e16, 1e23, 5e-324, -1.7e308, "", "1.0"],
    ids=str,
)
def test_any_attribute_comes_back(ledger: LedgerThatTells, value: str | int | float) -> None:
    decide(ledger, transaction("a", attributes={"value": value}))
    found = ledger.decision("a")
    assert found is not None
    assert found.attributes == {"value": value}


def test_a_decision_comes_back_exactly_as_its_alert_told_it(ledger: LedgerThatTells) -> None:
    sweep = records(
        transaction("a", amount_minor=20_000, attributes={"channel": "web"}),
        transaction("b", event_time="1970-01-01T00:00:00.001Z", attributes={}),
        transaction("c", amount_minor=10**12, event_time="2024-02-29T23:59:59.9994+01:00"),
    )
    batch, _ = CODEC.decode(sweep)
    rows = decisions_on(
        batch,
        score=np.array([0.1 + 0.2, 0.0, 1.0]),
        late=np.array([False, True, False]),
        degraded_reason="view",
    )
    assert ledger.settle_decisions(Step("transactions", "transactions-id", {0: 0}, {0: 3}), rows) == Settled()
    for row, name in enumerate("abc"):
        assert ledger.decision(name) == decided_row(rows, row)


def test_a_transaction_that_nobody_decided_has_no_decision(ledger: LedgerThatTells) -> None:
    assert ledger.decision("a") is None


def test_another_worker_finds_what_one_has_settled(ledgers: LedgerWorld) -> None:
    decide(ledgers.ledger, transaction("a"))
    assert owners(ledgers.another()) == {0: "a"}
    assert ledgers.another().identity() == ledgers.ledger.identity() != ""


def test_recorded_gives_what_lies_from_the_first_offset_to_before_the_last(ledger: LedgerThatTells) -> None:
    decide(ledger, *(transaction(name) for name in "abcd"))
    decide(ledger, transaction("e"), partition=1)
    found = ledger.recorded("transactions-id", {0: (1, 3), 1: (0, 1), 2: (0, 9)})
    assert {place: each.transaction_id for place, each in found.decisions.items()} == {
        (0, 1): "b",
        (0, 2): "c",
        (1, 0): "e",
    }


def test_there_is_nothing_of_a_topic_that_nobody_read(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    found = ledger.recorded("made-again", {0: (0, 10)})
    assert (found.decisions, found.dead) == ({}, {})
    additions, reached = ledger.additions(Partition("made-again", 0), 0, 10, 100)
    assert (appended(additions), reached) == ({"customer": [], "terminal": []}, 10)


def test_dead_letters_are_recorded_with_their_sweep(ledger: LedgerThatTells) -> None:
    offer(ledger, records(transaction("a"), b"{oops", transaction("b", currency="USD"), b""))
    found = recorded(ledger)
    assert {place: reason for place, (reason, _) in found.dead.items()} == {
        (0, 1): "not_json",
        (0, 2): "currency",
        (0, 3): "empty",
    }
    assert found.dead[0, 2] == ("currency", "this deployment decides EUR")
    assert [place for place in found.decisions] == [(0, 0)]


def test_a_sweep_may_be_dead_letters_alone(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    assert offer(ledger, records(b"{oops", b"", first=1)) == Settled()
    assert list(recorded(ledger).dead) == [(0, 1), (0, 2)]
    assert ledger.progress("transactions-id", [0]) == {0: 3}


def test_dead_labels_are_recorded_with_their_sweep(ledger: LedgerThatTells) -> None:
    offer_labels(ledger, records(b"{oops", topic="labels"))
    assert recorded(ledger, topic="labels").dead[0, 0][0] == "not_json"
    assert ledger.progress("labels-id", [0]) == {0: 1}


def event(name: str, amount_minor: int, time_s: int = NOON_S) -> tuple[str, bytes]:
    return name, pack(np.array([time_s]), np.array([amount_minor]), EVENT).tobytes()


def mark(name: str, delta: int) -> tuple[str, bytes]:
    return name, pack(np.array([NOON_S]), np.array([delta]), MARK).tobytes()


def test_the_rows_of_a_span_append_in_the_order_of_their_offsets(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("z", customer_id="c-9", amount_minor=1), transaction("a", amount_minor=2))
    decide(ledger, transaction("m", amount_minor=3), transaction("n", amount_minor=4))
    decide(ledger, transaction("o", amount_minor=5), partition=1)
    found, reached = ledger.additions(TRANSACTIONS, 0, 3, 100)
    assert reached == 3
    assert appended(found) == {
        "customer": [event("c-9", 1), event("c-1", 2), event("c-1", 3)],
        "terminal": [event("t-1", 0)] * 3,
    }


def test_late_transactions_append_nothing(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), transaction("b"), late=np.array([True, False]))
    decide(ledger, transaction("c", day=1), late=np.array([True]))
    found, reached = ledger.additions(TRANSACTIONS, 0, 3, 100)
    assert (appended(found)["customer"], reached) == ([event("c-1", 1999)], 3)


def test_times_before_the_second_are_cut_not_rounded(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a", event_time="2023-11-14T12:00:00.999Z"))
    found, _ = ledger.additions(TRANSACTIONS, 0, 1, 100)
    assert appended(found)["customer"] == [event("c-1", 1999, NOON_S)]


def test_labels_append_what_they_changed_to_the_terminal(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), transaction("late", terminal_id="t-2"), late=np.array([False, True]))
    label_next(ledger, label("a", version=1), label("a", version=2), label("late"), label("unknown"))
    label_next(ledger, label("a", version=3, label="genuine"))
    found, reached = ledger.additions(LABELS, 0, 5, 100)
    assert appended(found) == {"customer": [], "terminal": [mark("t-1", 1), mark("t-1", -1)]}
    assert reached == 5


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_span_may_be_read_in_pieces(ledger: LedgerThatTells, limit: int) -> None:
    for first in (0, 10, 20):
        documents = [transaction(f"tx-{first + each}", amount_minor=first + each) for each in range(3)]
        late = np.array([False, True, False])
        offer(ledger, records(*documents, first=first), step=None, late=late)
    whole, _ = ledger.additions(TRANSACTIONS, 0, 30, 100)
    pieces: list[tuple[str, bytes]] = []
    reached = [0]
    while reached[-1] < 30:
        piece, at = ledger.additions(TRANSACTIONS, reached[-1], 30, limit)
        pieces += appended(piece)["customer"]
        reached.append(at)
    assert pieces == appended(whole)["customer"]
    assert all(before < after <= 30 for before, after in pairwise(reached))


BATCH, _ = CODEC.decode(records(transaction("a")))
STEP = Step("transactions", "transactions-id", {0: 0}, {0: 1})
CALLS: dict[str, Callable[[LedgerThatTells], Any]] = {
    "identity": lambda ledger: ledger.identity(),
    "progress": lambda ledger: ledger.progress("transactions-id", [0]),
    "all_progress": lambda ledger: ledger.all_progress(),
    "settle_decisions": lambda ledger: ledger.settle_decisions(STEP, decisions_on(BATCH)),
    "settle_labels": lambda ledger: ledger.settle_labels(STEP, []),
    "recorded": lambda ledger: ledger.recorded("transactions-id", {0: (0, 1)}),
    "additions": lambda ledger: ledger.additions(TRANSACTIONS, 0, 1, 1),
    "due_labels": lambda ledger: ledger.due_labels(None, 1, 1.0),
    "poison": lambda ledger: ledger.poison("transactions-id", {0: (0, 1)}),
    "allow_poison": lambda ledger: ledger.allow_poison("transactions", TRANSACTIONS, 1),
    "unpark": lambda ledger: ledger.unpark([]),
    "decision": lambda ledger: ledger.decision("a"),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_ledger_out_of_reach_says_so_whatever_it_is_asked(ledgers: LedgerWorld, call: str) -> None:
    with pytest.raises(LedgerUnavailable):
        CALLS[call](ledgers.out_of_reach())


def test_a_ledger_that_was_away_is_found_again_as_it_was(ledgers: LedgerWorld) -> None:
    decide(ledgers.ledger, transaction("a"))
    with ledgers.interrupted(), pytest.raises(LedgerUnavailable):
        ledgers.ledger.settle_decisions(replace(STEP, expected={0: 1}, reached={0: 2}), decisions_on(BATCH))
    assert owners(ledgers.ledger) == {0: "a"}
    decide(ledgers.ledger, transaction("b"))
    assert owners(ledgers.ledger) == {0: "a", 1: "b"}
