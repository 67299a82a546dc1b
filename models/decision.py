"""What we answer: the decision, and the alert for those who must look."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from models.reasons import Reason
from models.transaction import (
    AmountMinor,
    Attributes,
    Currency,
    EventTime,
    Identifier,
    Transaction,
    comparable,
    ms_of_time,
)

Verdict = Literal["approve", "review", "decline"]
Path = Literal["stream", "rest"]
VERDICTS: tuple[Verdict, ...] = ("approve", "review", "decline")
# The reason of a decision that was made while histories could not be read.
NO_HISTORY = "no_history"

# Alert ids are derived, so that the same decision can never get two.
ALERT_NAMESPACE = UUID("6f1c3a52-4b0e-5f0a-9a56-1c0f5b6f7d11")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The one decision of a transaction, in the ledger and wherever it is shown."""

    transaction_id: Identifier
    decision: Verdict
    score: Annotated[float, Meta(ge=0, le=1, description="calibrated probability of fraud")]
    reasons: list[Reason]
    variant: str
    model_name: str
    model_version: str
    policy_version: str
    ab_version: str
    path: Path
    degraded_reason: str | None
    late: Annotated[bool, Meta(description="older than every window: scored, but not added to any history")]
    event_time: EventTime
    decided_at: Annotated[datetime, Meta(tz=True)]


class DecidedTransaction(Decision, frozen=True, kw_only=True):
    """A decision with the transaction it is about: a row of the ledger as a document."""

    customer_id: Identifier
    terminal_id: Identifier
    amount_minor: AmountMinor
    currency: Currency
    attributes: Attributes | None = None


class Alert(DecidedTransaction, frozen=True, kw_only=True):
    """A review or decline on the topic `alerts`, keyed by customer. A repeat has the same `alert_id`."""

    alert_id: str


def alert_id_of(transaction_id: str) -> str:
    """The same transaction always gives the same alert id."""
    return str(uuid5(ALERT_NAMESPACE, transaction_id))


def alert_of(decided: DecidedTransaction) -> Alert:
    return Alert(alert_id=alert_id_of(decided.transaction_id), **msgspec.structs.asdict(decided))


def body_of(found: DecidedTransaction | Transaction) -> tuple[object, ...]:
    """What makes two of one id the same transaction, or a conflict."""
    return (
        found.customer_id,
        found.terminal_id,
        found.amount_minor,
        ms_of_time(found.event_time),
        comparable(found.attributes),
    )


def decision_of(decided: DecidedTransaction) -> Decision:
    """The decision alone, as REST and `decisions get` answer it."""
    return Decision(**{name: getattr(decided, name) for name in Decision.__struct_fields__})
