"""A decision made by REST waits in the ledger until its record comes and claims it."""

from typing import Any

import msgspec
import pytest

from models.decision import DecidedTransaction
from streams.ledger.settling import COPIED_FROM
from streams.ports import Duplicates, Settled
from streams.topics import Partition
from streams.verdicts import decided_row
from tests.builders import Worker, transaction
from tests.contracts.ledger_worlds import LedgerWorld
from tests.contracts.offers import (
    CODEC,
    appended,
    decide,
    decisions_on,
    following,
    offer,
    owners,
    recorded,
    records,
)

ATTRIBUTES = {"channel": "web", "risk": 0.25, "tries": 3}


@pytest.fixture(params=[1, COPIED_FROM], ids=["copied", "inserted"])
def copied_from(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def by_rest(ledgers: LedgerWorld, **fields: Any) -> DecidedTransaction:
    """Have a transaction decided by the gateway, as a review."""
    batch, _ = CODEC.decode(records(transaction("a", amount_minor=20_000, **fields)))
    decided = msgspec.structs.replace(decided_row(decisions_on(batch), 0), path="rest")
    ledgers.decide_by_rest(decided)
    return decided


def test_a_record_with_the_same_body_claims_it(ledgers: LedgerWorld) -> None:
    made = by_rest(ledgers, attributes=ATTRIBUTES)
    sweep = records(transaction("b"), transaction("a", amount_minor=20_000, attributes=ATTRIBUTES))
    assert offer(ledgers.ledger, sweep) == Settled({1: made})
    assert owners(ledgers.ledger) == {0: "b", 1: "a"}
    assert recorded(ledgers.ledger).decisions[0, 1] == made


def test_what_was_decided_stays_decided(ledgers: LedgerWorld) -> None:
    made = by_rest(ledgers)
    offer(ledgers.ledger, records(transaction("a", amount_minor=20_000)), degraded_reason="other")
    assert ledgers.ledger.decision("a") == made


def test_a_record_with_another_body_does_not_claim_it(ledgers: LedgerWorld) -> None:
    by_rest(ledgers)
    sweep = records(transaction("a", amount_minor=20_001))
    assert offer(ledgers.ledger, sweep) == Duplicates([0], conflicts=[0])
    assert offer(ledgers.ledger, sweep, leave_out=[0]) == Settled()
    assert owners(ledgers.ledger) == {}


def test_a_record_after_the_one_that_claimed_it_is_a_duplicate(ledgers: LedgerWorld) -> None:
    by_rest(ledgers)
    document = transaction("a", amount_minor=20_000)
    offer(ledgers.ledger, records(document))
    assert offer(ledgers.ledger, following(ledgers.ledger, document)) == Duplicates([0], [])
    assert owners(ledgers.ledger) == {0: "a"}


def test_nothing_is_claimed_by_a_sweep_that_is_not_taken(ledgers: LedgerWorld) -> None:
    by_rest(ledgers)
    decide(ledgers.ledger, transaction("b"), partition=1)
    sweep = records(transaction("a", amount_minor=20_000), transaction("b"))
    assert offer(ledgers.ledger, sweep) == Duplicates([1], [])
    assert owners(ledgers.ledger) == {}


def test_a_claim_is_taken_with_dead_letters_and_new_decisions(ledgers: LedgerWorld) -> None:
    made = by_rest(ledgers)
    decide(ledgers.ledger, transaction("first"))
    sweep = following(ledgers.ledger, b"{oops", transaction("a", amount_minor=20_000), transaction("b"))
    assert offer(ledgers.ledger, sweep) == Settled({0: made})
    assert owners(ledgers.ledger) == {0: "first", 2: "a", 3: "b"}
    assert list(recorded(ledgers.ledger).dead) == [(0, 1)]


def test_it_counts_in_the_view_once_it_is_claimed_and_not_before(ledgers: LedgerWorld) -> None:
    by_rest(ledgers)
    partition = Partition("transactions-id", 0)
    before, _ = ledgers.ledger.additions(partition, 0, 10, 100)
    offer(ledgers.ledger, records(transaction("a", amount_minor=20_000)))
    after, _ = ledgers.ledger.additions(partition, 0, 10, 100)
    assert appended(before) == {"customer": [], "terminal": []}
    assert [name for name, _ in appended(after)["customer"]] == ["c-1"]


def test_a_record_behind_a_conflicting_copy_in_the_same_sweep_claims_it(ledgers: LedgerWorld) -> None:
    made = by_rest(ledgers)
    worker = Worker(ledgers.ledger)
    worker.decide(
        transaction("a", amount_minor=5),
        transaction("a", amount_minor=20_000),
        transaction("a", amount_minor=7),
    )
    assert owners(ledgers.ledger) == {1: "a"}
    assert worker.outbox.alerts == [made]
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 2
