"""The documents that answer: decision and alert."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import (
    ALERT_NAMESPACE,
    Alert,
    Decision,
    alert_id_of,
    alert_of,
    decision_of,
)
from tests.builders import REASON, decided

ids = st.text(min_size=1, max_size=64)


@given(ids)
def test_an_alert_id_is_the_uuid_of_the_transaction_id_in_our_namespace(transaction_id: str) -> None:
    digest = bytearray(hashlib.sha1(ALERT_NAMESPACE.bytes + transaction_id.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # RFC 9562: version 5
    digest[8] = digest[8] & 0x3F | 0x80
    assert alert_id_of(transaction_id) == str(UUID(bytes=bytes(digest)))


@given(st.lists(ids, unique=True, max_size=20))
def test_two_transactions_never_share_an_alert_id(transaction_ids: list[str]) -> None:
    assert len({alert_id_of(each) for each in transaction_ids}) == len(transaction_ids)


def test_an_alert_is_the_decided_transaction_and_its_id() -> None:
    row = decided()
    alert = msgspec.structs.asdict(alert_of(row))
    assert alert.pop("alert_id") == alert_id_of("tx-1")
    assert alert == msgspec.structs.asdict(row)


def test_a_repeated_alert_has_the_same_id_whatever_else_it_says() -> None:
    assert alert_of(decided(score=0.9)).alert_id == alert_of(decided(score=0.4)).alert_id


def test_a_decision_tells_nothing_of_the_payment() -> None:
    decision = decision_of(decided())
    assert type(decision) is Decision
    assert set(decision.__struct_fields__) & {"customer_id", "terminal_id", "amount_minor"} == set()
    assert (decision.transaction_id, decision.decision, decision.score) == ("tx-1", "review", 0.5)


def test_an_alert_reads_as_documented() -> None:
    assert msgspec.json.decode(msgspec.json.encode(alert_of(decided()))) == {
        "alert_id": "19428de5-8ea4-5a0f-9750-1da72b6e8f30",
        "transaction_id": "tx-1",
        "decision": "review",
        "score": 0.5,
        "reasons": [msgspec.to_builtins(REASON)],
        "variant": "champion",
        "model_name": "FraudDetection_XGBoost",
        "model_version": "7",
        "policy_version": "default-1",
        "ab_version": "default-1",
        "path": "stream",
        "degraded_reason": None,
        "late": False,
        "event_time": "2026-01-02T03:04:05.678000Z",
        "decided_at": "2026-01-02T03:04:06Z",
        "customer_id": "c-1",
        "terminal_id": "t-1",
        "amount_minor": 1999,
        "currency": "EUR",
        "attributes": {"channel": "web"},
    }


@pytest.mark.parametrize(
    "fields",
    [{"score": 1.1}, {"score": -0.1}, {"decision": "maybe"}, {"path": "mail"}, {"event_time": "2026-01-01"}],
)
def test_a_document_that_is_no_alert_is_not_read_as_one(fields: dict[str, Any]) -> None:
    document = msgspec.to_builtins(alert_of(decided()))
    assert msgspec.convert(document, Alert) == alert_of(decided())
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document | fields, Alert)
