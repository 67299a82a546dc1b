"""What is sent is what the columns hold, and what this system accepts."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.columns import Transactions
from load.documents import label_documents, label_id, transaction_documents
from models.errors import BadFile
from models.label import decode_label
from models.transaction import check_transaction, decode_transaction
from tests.unit.load.tables import identifiers, rows_of, table_of, tables

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def test_a_transaction_document_reads_as_documented() -> None:
    assert json.loads(transaction_documents(table_of())[0]) == {
        "transaction_id": "a",
        "customer_id": "anna",
        "terminal_id": "shop",
        "amount_minor": 100,
        "currency": "EUR",
        "event_time": "2018-04-01T00:00:31.000Z",
    }


def test_a_fraud_is_charged_back_a_week_later() -> None:
    assert json.loads(label_documents(table_of())[1]) == {
        "label_id": "b-chargeback-1",
        "transaction_id": "b",
        "customer_id": "bert",
        "label": "fraud",
        "source": "chargeback",
        "version": 1,
        "event_time": "2018-04-08T23:59:59.999Z",
    }


def test_what_was_genuine_is_reported_so() -> None:
    genuine = json.loads(label_documents(table_of())[0])
    assert (genuine["label"], genuine["source"], genuine["label_id"]) == ("genuine", "report", "a-report-1")


def test_a_table_without_labels_has_no_label_documents() -> None:
    with pytest.raises(BadFile, match="no labels"):
        label_documents(table_of(label=None))


@given(tables())
def test_decoding_a_transaction_document_gives_the_columns_back(table: Transactions) -> None:
    decoded = [decode_transaction(document) for document in transaction_documents(table)]
    for transaction in decoded:
        check_transaction(transaction, table.currency)
    assert [
        (
            row.transaction_id,
            row.customer_id,
            row.terminal_id,
            row.amount_minor,
            (row.event_time - EPOCH) // MILLISECOND,
        )
        for row in decoded
    ] == [row[:5] for row in rows_of(table)]


@given(tables())
def test_decoding_a_label_document_gives_the_columns_back(table: Transactions) -> None:
    decoded = [decode_label(document) for document in label_documents(table, delay_s=60)]
    assert [
        (
            row.transaction_id,
            row.customer_id,
            (row.event_time - EPOCH) // MILLISECOND - 60_000,
            int(row.label == "fraud"),
        )
        for row in decoded
    ] == [(row[0], row[1], row[4], row[5]) for row in rows_of(table)]


@given(st.lists(identifiers, unique=True, max_size=5))
def test_a_label_id_is_an_id_and_tells_transactions_apart(ids: list[str]) -> None:
    label_ids = {label_id(key, "chargeback") for key in ids}
    assert len(label_ids) == len(ids)
    assert all(len(key) <= 64 for key in label_ids)
