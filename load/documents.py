"""Columns -> the JSON documents of the topics `transactions` and `labels`, as bytes."""

from hashlib import blake2b
from itertools import repeat

import msgspec
import numpy as np

from load.columns import Ints, Transactions
from models.errors import BadFile
from models.features import LABEL_DELAY_S

LONGEST_ID = 64
# A fraud is found by the customer's bank; that nothing was amiss is reported when the delay has passed.
VERDICTS = (("genuine", "report"), ("fraud", "chargeback"))

_encode = msgspec.json.Encoder().encode


class TransactionDocument(msgspec.Struct, gc=False):
    """The fields of a transaction, in the order they are written."""

    transaction_id: str
    customer_id: str
    terminal_id: str
    amount_minor: int
    currency: str
    event_time: str


class LabelDocument(msgspec.Struct, gc=False):
    """The fields of a label, in the order they are written."""

    label_id: str
    transaction_id: str
    customer_id: str
    label: str
    source: str
    version: int
    event_time: str


def transaction_documents(table: Transactions) -> list[bytes]:
    """One transaction document per row, in the order of the rows."""
    documents = map(
        TransactionDocument,
        table.transaction_id.tolist(),
        table.customer_id.tolist(),
        table.terminal_id.tolist(),
        table.amount_minor.tolist(),
        repeat(table.currency),
        rfc3339(table.event_time_ms),
    )
    return list(map(_encode, documents))


def label_documents(table: Transactions, delay_s: int = LABEL_DELAY_S) -> list[bytes]:
    """One label document per row, in the order of the rows: version 1, `delay_s` after the transaction.

    Raises:
        BadFile: the table has no labels.
    """
    if table.label is None:
        next_step = "name the label's column in the column map, or send no labels"
        raise BadFile("these transactions have no labels", next_step=next_step)
    verdicts = [VERDICTS[flag] for flag in table.label.tolist()]
    ids = table.transaction_id.tolist()
    documents = map(
        LabelDocument,
        [label_id(key, source) for key, (_, source) in zip(ids, verdicts, strict=True)],
        ids,
        table.customer_id.tolist(),
        [label for label, _ in verdicts],
        [source for _, source in verdicts],
        repeat(1),
        rfc3339(table.event_time_ms + delay_s * 1000),
    )
    return list(map(_encode, documents))


def label_id(transaction_id: str, source: str) -> str:
    """`<transaction id>-<source>-1`; a hash stands for an id that would make it longer than an id may be."""
    plain = f"{transaction_id}-{source}-1"
    if len(plain) <= LONGEST_ID:
        return plain
    return f"{blake2b(transaction_id.encode(), digest_size=16).hexdigest()}-{source}-1"


def rfc3339(moment_ms: Ints) -> list[str]:
    """2018-04-01T00:00:31.000Z: always with milliseconds."""
    moments = moment_ms.astype("datetime64[ms]")
    texts: list[str] = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
    return texts
