"""What a gateway has answered and signed is the decision, or met an earlier one, and that is counted."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from streams.answered import Answered, Signer
from streams.codecs import encode
from tests.builders import Worker, transaction
from tests.unit.streams.reconciled import Traffic, change, decided_by_rest


def answered(name: str = "a", **fields: Any) -> Answered:
    """As a gateway decides: a review, unless the amount says otherwise."""
    gateway = Traffic()
    decided_by_rest(gateway, name, **{"amount_minor": 20_000} | fields)
    row = gateway.ledger.rows[name]
    return Answered(row.decided, row.features)


def later(made: Answered) -> Answered:
    """Another gateway's answer to the same question."""
    decided_at = made.decided.decided_at + timedelta(seconds=1)
    return replace(made, decided=msgspec.structs.replace(made.decided, decided_at=decided_at, score=0.7))


def counts(world: Traffic) -> dict[str, int]:
    told: dict[str, int] = world.reconcile()["answers"]
    return told


def test_an_answer_that_workers_have_stored_is_right() -> None:
    world = Traffic()
    world.send_answered(answered(attributes={"risk": 1e23}))
    assert world.ledger.rows["a"].decided.path == "rest"
    assert world.findings() == {}
    assert counts(world) == {"signed": 1, "conflicts": 0, "refused": 0}


def test_an_answer_whose_row_was_there_and_was_claimed_is_right() -> None:
    world, made = Traffic(), answered()
    world.ledger.answer([made])
    world.send_answered(made)
    assert world.findings() == {}
    assert counts(world)["conflicts"] == 0


def test_an_answer_sent_twice_is_right() -> None:
    world, made = Traffic(), answered()
    for _ in range(2):
        world.send_answered(made)
    assert world.findings() == {}
    assert counts(world) == {"signed": 2, "conflicts": 0, "refused": 0}


@pytest.mark.parametrize("earlier", ["the stream's", "another gateway's", "of another body"])
def test_an_answer_that_met_an_earlier_decision_is_counted(earlier: str) -> None:
    world, made = Traffic(), answered()
    if earlier == "another gateway's":
        world.ledger.answer([later(made)])
    else:
        amount_minor = 20_000 if earlier == "the stream's" else 30_000
        world.send(transaction("a", amount_minor=amount_minor), partition=1)
    world.send_answered(made)
    assert world.findings() == {}
    assert counts(world) == {"signed": 1, "conflicts": 1, "refused": 0}


def test_an_answer_that_was_decided_anew_is_found() -> None:
    """A worker that did not look at the mark."""
    world, made = Traffic(), answered()
    world.worker = Worker(world.ledger, world.view, world.outbox)
    world.send_answered(made)
    row = world.ledger.rows["a"]
    change(row, path="stream", decided_at=row.decided.decided_at + timedelta(seconds=1))
    world.alerts[:] = [row.decided]
    assert world.found("answers") == ["record transactions/0/0 bears the answer on a, and was decided anew"]


@pytest.mark.parametrize("damage", [{"score": 0.51}, {"decision": "decline"}, {"late": True}], ids=str)
def test_a_row_that_says_something_else_than_its_answer_is_found(damage: dict[str, Any]) -> None:
    world = Traffic()
    world.send_answered(answered())
    change(world.ledger.rows["a"], **damage)
    assert world.found("answers") == [
        "record transactions/0/0 bears the answer on a, and its row says otherwise"
    ]


def test_an_answer_without_a_row_is_found() -> None:
    world = Traffic()
    world.send_answered(answered())
    del world.ledger.rows["a"]
    assert world.found("answers") == ["record transactions/0/0 bears the answer on a, which has no row"]


def test_a_finding_takes_its_record_off_the_proven_ones() -> None:
    world = Traffic()
    world.send(*(transaction(f"tx-{n}") for n in range(3)))
    world.send_answered(answered(amount_minor=500))
    change(world.ledger.rows["a"], late=True)
    outcome = world.outcome(histories="none")
    assert (outcome.records, outcome.proven) == (4, 3)


def test_a_mark_that_is_not_ours_is_counted_and_says_nothing() -> None:
    world, made = Traffic(), answered()
    ours, world.signer = world.signer, Signer(b"somebody else's key")
    world.send_answered(made)
    world.signer = ours
    change(world.ledger.rows["a"], path="stream", decided_at=made.decided.decided_at + timedelta(seconds=9))
    world.alerts[:] = [world.ledger.rows["a"].decided]
    assert world.found("answers") == []
    assert counts(world) == {"signed": 0, "conflicts": 0, "refused": 1}


def test_the_books_are_not_asked_where_nothing_was_answered() -> None:
    world = Traffic()
    world.send(encode(transaction("b")))
    assert world.reconcile()["checks"]["answers"]["checked"] == 0


def test_an_answer_that_has_left_for_the_archive_is_right() -> None:
    world = Traffic()
    world.send_answered(answered())
    world.ledger.archive("a")
    assert world.findings() == {}
    assert counts(world) == {"signed": 1, "conflicts": 0, "refused": 0}


def test_an_answer_that_met_an_archived_decision_is_counted() -> None:
    world, made = Traffic(), answered()
    world.send_answered(made)
    world.ledger.archive("a")
    world.send_answered(later(made))
    assert world.findings() == {}
    assert counts(world)["conflicts"] == 1


def test_an_archived_decision_that_says_otherwise_than_its_answer_is_found() -> None:
    world = Traffic()
    world.send_answered(answered())
    world.ledger.archive("a")
    left = world.ledger.left["a"]
    decision = msgspec.structs.replace(left.decision, score=0.123)
    world.ledger.left["a"] = msgspec.structs.replace(left, decision=decision)
    world.alerts.clear()
    assert world.found("answers") == [
        "record transactions/0/0 bears the answer on a, and the archived one says otherwise"
    ]
