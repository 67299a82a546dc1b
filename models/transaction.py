"""The payment we score: its document, its checks."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from models.card_number import as_text, holds_card_number
from models.errors import MalformedTransaction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CARD_NUMBER = "card_number"
LARGEST_AMOUNT_MINOR = 10**12
LARGEST_ATTRIBUTE = 2**63 - 1
# As `str.isprintable` has it, up to U+FFFF. Beyond that engines differ over ranges, as they do over \p{..}:
# a pattern that one of them cannot read would stop its users altogether. `not` needs no `$`, which in some
# engines lets a last line feed pass.
UNPRINTABLE = (
    r"[\x00-\x1f\x7f-\xa0\xad"
    "\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\ue000-\uf8ff\ufeff\ufff9-\ufffb]"
)
PRINTABLE = {"not": {"pattern": UNPRINTABLE}}

LONGEST_ID = 64
Identifier = Annotated[
    str,
    Meta(
        min_length=1, max_length=LONGEST_ID, description="printable characters", extra_json_schema=PRINTABLE
    ),
]
AmountMinor = Annotated[
    int, Meta(ge=0, le=LARGEST_AMOUNT_MINOR, description="smallest unit of the currency: 1999 is 19.99")
]
Currency = Annotated[
    str, Meta(min_length=3, max_length=3, description="ISO 4217", extra_json_schema={"pattern": "^[A-Z]{3}$"})
]
EventTime = Annotated[datetime, Meta(tz=True, description="RFC 3339 with a zone; kept to the millisecond")]
AttributeValue = Annotated[str, Meta(max_length=256)] | int | float
Attributes = Annotated[dict[Identifier, AttributeValue], Meta(max_length=32)]


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """One card payment, as it arrives on the topic `transactions`. Unknown fields are ignored."""

    transaction_id: Identifier
    customer_id: Identifier
    terminal_id: Identifier
    amount_minor: AmountMinor
    currency: Currency
    event_time: EventTime
    attributes: Attributes | None = None


_decoder = msgspec.json.Decoder(Transaction)


def decode_transaction(data: bytes | None) -> Transaction:
    """Bytes of a record to a transaction; ids and attributes still want `check_transaction`.

    Raises:
        MalformedTransaction: `code` is the reason: empty, not_json, too_deep, missing_field, wrong_type,
            invalid_value.
    """
    if not data:
        raise MalformedTransaction("empty", "the record has no bytes")
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedTransaction(reason_of(error), str(error)) from None


def reason_of(error: Exception) -> str:
    """The stable reason for an error of the JSON decoder."""
    if isinstance(error, RecursionError):
        return "too_deep"
    if not isinstance(error, msgspec.ValidationError):
        return "not_json"
    text = str(error)
    if "missing required field" in text:
        return "missing_field"
    return "wrong_type" if ", got " in text else "invalid_value"


def is_identifier(text: str) -> bool:
    """Whether anything may be called so."""
    return 1 <= len(text) <= LONGEST_ID and text.isprintable()


def check_transaction(transaction: Transaction, currency: str) -> None:
    """What the types do not say.

    Raises:
        MalformedTransaction: card_number, unprintable_id, currency, attributes.
    """
    ids = "|".join((transaction.transaction_id, transaction.customer_id, transaction.terminal_id))
    texts = [ids, *map(as_text, itertools.chain(*(transaction.attributes or {}).items()))]
    if any(map(holds_card_number, texts)):
        raise MalformedTransaction(CARD_NUMBER, "a field holds a card number")
    if not ids.isprintable():
        raise MalformedTransaction("unprintable_id", "an id holds a control or invisible character")
    if transaction.currency != currency:
        raise MalformedTransaction("currency", f"this deployment decides {currency}")
    if transaction.attributes:
        _check_attributes(transaction.attributes)


def comparable(attributes: Attributes | None) -> dict[str, str | float] | None:
    """Attributes as they compare, wherever they were kept: 1e23 and its digits are one number."""
    if not attributes:
        return None
    return {name: value if isinstance(value, str) else float(value) for name, value in attributes.items()}


def time_of_ms(epoch_ms: int) -> datetime:
    """Milliseconds since 1970 as a UTC time."""
    return EPOCH + timedelta(milliseconds=epoch_ms)


def ms_of_time(moment: datetime) -> int:
    """Whole milliseconds since 1970; what lies between two counts as the earlier."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _check_attributes(attributes: dict[str, str | int | float]) -> None:
    for name, value in attributes.items():
        if not name.isprintable():
            raise MalformedTransaction("attributes", "a name holds a control or invisible character")
        if isinstance(value, str) and "\0" in value:
            raise MalformedTransaction("attributes", "a value holds a NUL")
        if isinstance(value, int) and abs(value) > LARGEST_ATTRIBUTE:
            raise MalformedTransaction("attributes", "a whole number is outside 64 bits")
