"""Below the progress nothing gets a new verdict: what is recorded for a place holds, whoever reads again."""

from typing import Any

import msgspec
import numpy as np
import pytest

from load.doubles import FakeOutbox
from models.decision import DecidedTransaction
from streams.verdicts import decided_row
from tests.builders import Worker, label, transaction
from tests.contracts.ledger_worlds import LedgerWorld
from tests.contracts.offers import CODEC, decisions_on, due, owners, records


@pytest.fixture
def worker(ledgers: LedgerWorld) -> Worker:
    return Worker(ledgers.ledger)


def read_again(worker: Worker, *documents: Any, topic: str = "transactions", **models: Any) -> FakeOutbox:
    """The first records of a topic come again to a worker that makes these documents of them."""
    outbox = FakeOutbox()
    worker.restarted(outbox=outbox, **models).handle(records(*documents, topic=topic))
    return outbox


def by_rest(document: dict[str, Any]) -> DecidedTransaction:
    batch, _ = CODEC.decode(records(document))
    return msgspec.structs.replace(decided_row(decisions_on(batch), 0), path="rest")


def test_the_alert_that_goes_out_again_is_of_the_stored_decision(worker: Worker) -> None:
    worker.decide(transaction("a", amount_minor=20_000), transaction("b"))
    made = worker.outbox.alerts
    documents = transaction("a", amount_minor=20_000), transaction("b")
    again = read_again(worker, *documents, predict=lambda features: np.full(len(features), 0.99))
    assert again.alerts == made != []
    assert again.offsets == {("transactions", 0): 2}


def test_a_dead_letter_stays_dead_for_a_decoder_that_would_take_it(worker: Worker) -> None:
    worker.decide(b"{oops")
    again = read_again(worker, transaction("a"))
    assert [letter.reason for letter in again.dead] == ["not_json"]
    assert worker.ledger.decision("a") is None


def test_a_decision_stays_one_for_a_decoder_that_would_refuse_it(worker: Worker) -> None:
    worker.decide(transaction("a", amount_minor=20_000))
    again = read_again(worker, b"{oops")
    assert [alert.transaction_id for alert in again.alerts] == ["a"]
    assert again.dead == []


def test_what_was_made_by_rest_is_not_claimed_from_there(ledgers: LedgerWorld, worker: Worker) -> None:
    worker.decide(b"{oops")
    ledgers.decide_by_rest(by_rest(transaction("a")))
    read_again(worker, transaction("a"))
    assert owners(ledgers.ledger) == {}


def test_a_label_is_parked_once(worker: Worker) -> None:
    worker.label(label("a"))
    worker.decide(transaction("a"))
    assert worker.labels.return_due() == 1
    read_again(worker, label("a"), topic="labels")
    assert due(worker.ledger) == []


def test_a_label_changes_nothing_from_there(worker: Worker) -> None:
    worker.decide(transaction("a"))
    worker.label(b"{oops")
    again = read_again(worker, label("a"), topic="labels")
    assert [letter.reason for letter in again.dead] == ["not_json"]
    worker.label(label("a"))
    assert worker.metric("fraud_labels_total", outcome="repeated") == 0
