"""What became of a transaction: versions of a verdict, the latest one wins."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.card_number import holds_card_number
from models.errors import MalformedLabel
from models.transaction import CARD_NUMBER, EventTime, Identifier, reason_of

LARGEST_VERSION = 2**31 - 1


class Label(msgspec.Struct, frozen=True, gc=False):
    """One verdict on one transaction, as it arrives on the topic `labels`. Unknown fields are ignored."""

    label_id: Identifier
    transaction_id: Identifier
    customer_id: Identifier
    label: Literal["fraud", "genuine", "unknown"]
    source: Literal["chargeback", "report", "analyst", "reversal"]
    version: Annotated[int, Meta(ge=0, le=LARGEST_VERSION, description="the highest version wins")]
    event_time: EventTime


_decoder = msgspec.json.Decoder(Label)


def decode_label(data: bytes | None) -> Label:
    """Bytes of a record to a label.

    Raises:
        MalformedLabel: `code` is the reason, as for transactions.
    """
    if not data:
        raise MalformedLabel("empty", "the record has no bytes")
    try:
        label = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedLabel(reason_of(error), str(error)) from None
    check_label(label)
    return label


def check_label(label: Label) -> None:
    """What the types do not say.

    Raises:
        MalformedLabel: card_number, unprintable_id.
    """
    if holds_card_number("|".join((label.label_id, label.transaction_id, label.customer_id))):
        raise MalformedLabel(CARD_NUMBER, "a field holds a card number")
    if not (label.label_id + label.transaction_id + label.customer_id).isprintable():
        raise MalformedLabel("unprintable_id", "an id holds a control or invisible character")


def fraud_mark(label: str | None) -> int:
    """What a verdict adds to the terminal's fraud count: 1 for fraud, else 0."""
    return 1 if label == "fraud" else 0
