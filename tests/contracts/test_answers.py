"""What the gateway has answered is in the ledger once, and waits there for its record."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from models.features import FEATURE_NAMES
from streams.answered import Answered
from streams.ports import Duplicates, Produced, Settled
from streams.topics import Partition
from streams.verdicts import decided_row
from tests.builders import TOPIC_IDS, transaction
from tests.contracts.ledger_worlds import LedgerWorld
from tests.contracts.offers import CODEC, decide, decisions_on, offer, owners, recorded, records

TRANSACTIONS = TOPIC_IDS["transactions"]
AT_ONCE_S = -60.0  # older than a minute from now: everything is


def answered(name: str = "a", **changes: Any) -> Answered:
    """A transaction as the gateway decides it: a review."""
    batch, _ = CODEC.decode(records(transaction(name, amount_minor=20_000)))
    rows = replace(decisions_on(batch), path="rest")
    decided = msgspec.structs.replace(decided_row(rows, 0), **changes)
    return Answered(decided, np.linspace(0, 2, len(FEATURE_NAMES), dtype=np.float32))


def record(name: str = "a") -> Any:
    return transaction(name, amount_minor=20_000)


def test_an_answer_is_stored_and_read_back_as_it_is(ledgers: LedgerWorld) -> None:
    made = answered(attributes={"channel": "web", "risk": 0.1, "tries": 3}, degraded_reason="no_history")
    assert ledgers.ledger.answer([made]) == {}
    assert ledgers.ledger.decision("a") == made.decided
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == [made]


def test_the_first_answer_stands(ledgers: LedgerWorld) -> None:
    first, second = answered(score=0.4), answered(score=0.5)
    ledgers.ledger.answer([first])
    assert ledgers.ledger.answer([second, answered("b")]) == {"a": first}
    assert ledgers.ledger.decision("a") == first.decided


def test_a_decision_from_the_stream_stands_against_an_answer(ledgers: LedgerWorld) -> None:
    decide(ledgers.ledger, record())
    standing = ledgers.ledger.answer([answered()])
    assert isinstance(standing["a"], Answered)
    assert standing["a"].decided == ledgers.ledger.decision("a")
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == []


def test_two_gateways_that_answer_at_once_give_one_answer(ledgers: LedgerWorld) -> None:
    """Ids in another order each: nobody waits in a circle."""
    mine = [answered(name, score=0.4) for name in "abcdef"]
    others = [answered(name, score=0.5) for name in reversed("abcdef")]
    one, other = ledgers.another(), ledgers.another()
    lost, won = ledgers.at_once(lambda: one.answer(mine), lambda: other.answer(others))
    assert sorted([*lost, *won]) == list("abcdef")
    stand = {name: ledgers.ledger.decision(name) for name in "abcdef"}
    assert all(stand[name] == found.decided for name, found in {**lost, **won}.items())


def test_a_ledger_out_of_reach_says_so(ledgers: LedgerWorld) -> None:
    from models.errors import LedgerUnavailable

    away = ledgers.out_of_reach()
    for call in (
        lambda: away.answer([answered()]),
        lambda: away.unclaimed(TRANSACTIONS, AT_ONCE_S, 1),
        lambda: away.produced({"a": Produced(TRANSACTIONS, 0, 0)}),
    ):
        with pytest.raises(LedgerUnavailable):
            call()


def test_an_answer_that_was_just_given_is_not_produced_again_yet(ledgers: LedgerWorld) -> None:
    """Its record may be on its way, and nobody has noted where."""
    ledgers.ledger.answer([answered(decided_at=datetime.now(UTC))])
    assert ledgers.ledger.unclaimed(TRANSACTIONS, 600.0, 10) == []


def test_an_answer_whose_record_is_under_way_is_not_produced_again(ledgers: LedgerWorld) -> None:
    ledgers.ledger.answer([answered()])
    ledgers.ledger.produced({"a": Produced(TRANSACTIONS, 0, 5)})
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == []


def test_an_answer_whose_record_was_read_past_is_produced_again(ledgers: LedgerWorld) -> None:
    made = answered()
    ledgers.ledger.answer([made])
    ledgers.ledger.produced({"a": Produced(TRANSACTIONS, 0, 0)})
    decide(ledgers.ledger, transaction("another"))
    assert ledgers.ledger.all_progress() == {Partition(TRANSACTIONS, 0): 1}
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == [made]


def test_an_answer_whose_record_went_to_a_topic_that_is_no_more_is_produced_again(
    ledgers: LedgerWorld,
) -> None:
    made = answered()
    ledgers.ledger.answer([made])
    ledgers.ledger.produced({"a": Produced("topic-of-old", 0, 5)})
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == [made]


def test_a_claimed_answer_waits_no_more(ledgers: LedgerWorld) -> None:
    made = answered()
    ledgers.ledger.answer([made])
    assert offer(ledgers.ledger, records(record())) == Settled({0: made.decided})
    assert ledgers.ledger.unclaimed(TRANSACTIONS, AT_ONCE_S, 10) == []


def test_a_record_that_bears_an_answer_makes_it_the_decision(ledgers: LedgerWorld) -> None:
    """The gateway could not write it: the ledger was away."""
    made = answered()
    outcome = offer(ledgers.ledger, records(transaction("b"), record()), answered={"a": made})
    assert outcome == Settled({1: made.decided})
    assert ledgers.ledger.decision("a") == made.decided
    assert owners(ledgers.ledger) == {0: "b", 1: "a"}
    assert recorded(ledgers.ledger).decisions[0, 1] == made.decided


def test_an_answer_that_differs_from_the_row_that_stands_is_a_conflict(ledgers: LedgerWorld) -> None:
    first = answered(score=0.4)
    ledgers.ledger.answer([first])
    outcome = offer(ledgers.ledger, records(record()), answered={"a": answered(score=0.5)})
    assert outcome == Settled({0: first.decided}, answer_conflicts=1)


def test_the_answer_of_a_row_that_stands_is_no_conflict(ledgers: LedgerWorld) -> None:
    made = answered(attributes={"risk": 1e23})
    ledgers.ledger.answer([made])
    sweep = records(transaction("a", amount_minor=20_000, attributes={"risk": 1e23}))
    assert offer(ledgers.ledger, sweep, answered={"a": made}) == Settled({0: made.decided})


def test_a_copy_with_another_answer_than_the_decision_from_the_stream_is_a_conflict(
    ledgers: LedgerWorld,
) -> None:
    decide(ledgers.ledger, record())
    sweep = records(record(), partition=1)
    outcome = ledgers.ledger.settle_decisions(*offered(ledgers, sweep, answered()))
    assert isinstance(outcome, Duplicates)
    assert (list(outcome.rows), outcome.answer_conflicts) == ([0], 1)


def test_an_answer_whose_record_comes_behind_another_body_is_a_conflict(ledgers: LedgerWorld) -> None:
    """Both in one sweep: the first is the decision, and nobody has seen the second one's answer."""
    sweep = records(transaction("a", amount_minor=30_000))
    outcome = ledgers.ledger.settle_decisions(*offered(ledgers, sweep, answered()))
    assert outcome == Settled(answer_conflicts=1)


def offered(ledgers: LedgerWorld, sweep: Any, made: Answered) -> Any:
    from tests.contracts.offers import step_for

    batch, dead = CODEC.decode(sweep)
    rows = decisions_on(batch, answered={made.decided.transaction_id: made})
    return step_for(ledgers.ledger, sweep, dead), rows


def test_an_answer_of_another_body_is_not_the_records(ledgers: LedgerWorld) -> None:
    made = answered()
    sweep = records(transaction("a", amount_minor=30_000))
    assert offer(ledgers.ledger, sweep, answered={"a": made}) == Settled(answer_conflicts=1)
    found = ledgers.ledger.decision("a")
    assert found is not None
    assert found.path == "stream"


def test_who_decided_an_answer_is_remembered_even_when_its_sweep_was_not_taken(ledgers: LedgerWorld) -> None:
    """The sweep that brings a new model's name is rolled back, as another row is a duplicate."""
    decide(ledgers.ledger, transaction("b"), partition=1)
    made = answered(model_version="never seen before")
    sweep = records(transaction("b"), record())
    assert offer(ledgers.ledger, sweep, answered={"a": made}) == Duplicates([0], [])
    assert offer(ledgers.ledger, sweep, leave_out=[0], answered={"a": made}) == Settled({0: made.decided})
    assert ledgers.ledger.decision("a") == made.decided
