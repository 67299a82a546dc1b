"""Marks: the gateway's answers on records, under its signature, and what a worker makes of others."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from models.features import FEATURE_NAMES
from streams.answered import DECISION_HEADER, SIGNATURE_HEADER, Answered, Marks, Signer, answer_document
from streams.arrivals import Sweep
from streams.verdicts import decided_row
from tests.builders import Worker, continued, transaction
from tests.contracts.offers import CODEC, decisions_on, records

KEY = b"a key of gateways and workers"


def answered(document: dict[str, Any], **changes: Any) -> Answered:
    batch, _ = CODEC.decode(records(document))
    decided = decided_row(replace(decisions_on(batch), path="rest"), 0)
    features = np.linspace(0, 1, len(FEATURE_NAMES), dtype=np.float32)
    return Answered(msgspec.structs.replace(decided, **changes), features)


def marked(sweep: Sweep, *headers: Sequence[tuple[str, bytes]] | None) -> Sweep:
    return replace(sweep, headers=list(headers))


def read(sweep: Sweep, key: bytes = KEY) -> Marks:
    batch, _ = CODEC.decode(sweep)
    return Signer(key).read(sweep, batch)


def value_of(sweep: Sweep, row: int = 0) -> bytes:
    value = sweep.values[row]
    assert value is not None
    return value


@pytest.fixture
def document() -> dict[str, Any]:
    return transaction("a", amount_minor=20_000, attributes={"channel": "web", "risk": 0.1})


@pytest.fixture
def sweep(document: dict[str, Any]) -> Sweep:
    return records(document)


def test_an_answer_is_read_back_as_it_was_signed(document: dict[str, Any], sweep: Sweep) -> None:
    made = answered(document)
    found = read(marked(sweep, Signer(KEY).headers(value_of(sweep), made)))
    assert found == Marks({"a": made})


def test_records_without_marks_have_none(sweep: Sweep) -> None:
    assert read(sweep) == Marks({})
    assert read(marked(sweep, [("traceparent", b"00-1-2-01")])) == Marks({})


def test_a_mark_of_another_key_is_refused(document: dict[str, Any], sweep: Sweep) -> None:
    headers = Signer(b"somebody else has another key").headers(value_of(sweep), answered(document))
    assert read(marked(sweep, headers)) == Marks({}, ((0, 0),))


@pytest.mark.parametrize("missing", [DECISION_HEADER, SIGNATURE_HEADER])
def test_a_mark_without_its_other_half_is_refused(
    missing: str, document: dict[str, Any], sweep: Sweep
) -> None:
    headers = Signer(KEY).headers(value_of(sweep), answered(document))
    assert read(marked(sweep, [each for each in headers if each[0] != missing])) == Marks({}, ((0, 0),))


def test_a_mark_that_was_moved_to_another_record_is_refused(document: dict[str, Any]) -> None:
    headers = Signer(KEY).headers(value_of(records(document)), answered(document))
    other = records(transaction("b", amount_minor=20_000))
    assert read(marked(other, headers)) == Marks({}, ((0, 0),))


def test_a_signed_mark_about_something_else_is_refused(document: dict[str, Any], sweep: Sweep) -> None:
    about = answered(transaction("a", amount_minor=1))
    assert read(marked(sweep, Signer(KEY).headers(value_of(sweep), about))) == Marks({}, ((0, 0),))


def test_a_signed_mark_that_is_not_a_decision_is_refused(sweep: Sweep) -> None:
    mark = b"{}"
    headers = [(DECISION_HEADER, mark), (SIGNATURE_HEADER, Signer(KEY)._signature(value_of(sweep), mark))]
    assert read(marked(sweep, headers)) == Marks({}, ((0, 0),))


def test_of_two_answers_of_one_id_the_first_counts(document: dict[str, Any]) -> None:
    first, second = answered(document, score=0.4), answered(document, score=0.5)
    both = records(document, document)
    signer = Signer(KEY)
    headers = [signer.headers(value_of(both, row), each) for row, each in enumerate((first, second))]
    assert read(marked(both, *headers)) == Marks({"a": first}, clashes=1)


def test_a_marked_record_is_decided_as_it_was_answered(document: dict[str, Any]) -> None:
    """The row, its features and its alert are the gateway's."""
    worker = Worker(signer=Signer(KEY))
    made = answered(document, decision="decline", score=0.9)
    sweep = continued(worker.ledger, "transactions", [document, transaction("b")])
    worker.handle(marked(sweep, Signer(KEY).headers(value_of(sweep), made), None))
    assert worker.ledger.decision("a") == made.decided
    assert worker.ledger.rows["a"].features.tolist() == made.features.tolist()
    assert [alert.transaction_id for alert in worker.outbox.alerts] == ["a"]


def test_a_mark_that_is_not_ours_changes_nothing_and_is_counted(document: dict[str, Any]) -> None:
    worker = Worker(signer=Signer(KEY))
    made = answered(document, decision="approve", score=0.0)
    sweep = continued(worker.ledger, "transactions", [document])
    worker.handle(marked(sweep, Signer(b"the key of an impostor").headers(value_of(sweep), made)))
    found = worker.ledger.decision("a")
    assert found is not None
    assert found.path == "stream"
    assert worker.metrics.registry.get_sample_value("fraud_marks_refused_total") == 1


def test_an_answer_that_came_too_late_is_counted(document: dict[str, Any]) -> None:
    worker = Worker(signer=Signer(KEY))
    worker.decide(document)
    sweep = continued(worker.ledger, "transactions", [document])
    worker.handle(marked(sweep, Signer(KEY).headers(value_of(sweep), answered(document, score=0.9))))
    assert worker.metrics.registry.get_sample_value("fraud_answer_conflicts_total") == 1


def test_the_same_answer_has_the_same_bytes_wherever_it_was_kept(document: dict[str, Any]) -> None:
    made = answered(document).decided
    kept = msgspec.json.decode(msgspec.json.encode(made), type=type(made))
    assert answer_document(kept) == answer_document(made)
    assert b"customer_id" not in answer_document(made)


def test_where_marks_were_not_ours_is_told_once_the_sweep_is_settled_and_not_again(
    document: dict[str, Any],
) -> None:
    """A sweep that comes again after it was settled is only recalled."""
    worker = Worker(signer=Signer(KEY))
    impostor = Signer(b"the key of an impostor")
    sweep = continued(worker.ledger, "transactions", [document, transaction("b"), document])
    headers = impostor.headers(value_of(sweep), answered(document))
    forged = marked(sweep, headers, None, headers)
    for _ in range(2):
        worker.handle(forged)
    assert worker.refused_marks == [("transactions", [(0, 0), (0, 2)])]
