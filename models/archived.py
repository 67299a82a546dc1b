"""What is known of a decision whose row has left for the archive: itself, and its body as a hash."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from models.decision import DecidedTransaction, Decision, body_of
from models.transaction import Transaction


class ArchivedDecision(msgspec.Struct, frozen=True, kw_only=True):
    """decision: as it was answered. body_hash: of its transaction, by `hash_of`."""

    decision: Decision
    body_hash: UUID

    @property
    def month(self) -> date:
        """The first day of the month whose file holds the rest: the one it was decided in, in UTC."""
        return month_of(self.decision.decided_at)

    def fits(self, body: Sequence[object]) -> bool:
        """Whether this is the body that was decided. body: as `models.decision.body_of` has it."""
        return hash_of(body) == self.body_hash

    def about(self, transaction: Transaction) -> DecidedTransaction:
        """As it stood in the ledger, of a transaction with the body that was decided."""
        document = {name: getattr(self.decision, name) for name in Decision.__struct_fields__}
        document |= {"customer_id": transaction.customer_id, "terminal_id": transaction.terminal_id}
        document |= {"amount_minor": transaction.amount_minor, "currency": transaction.currency}
        return DecidedTransaction(**document, attributes=transaction.attributes or None)


def month_of(moment: datetime) -> date:
    """The first day of a moment's month, in UTC."""
    return moment.astimezone(UTC).date().replace(day=1)


def hash_of(body: Sequence[object]) -> UUID:
    """128 bits of SHA-256 over what makes two of one id the same: the same for all that compare as equal.

    body: customer, terminal, amount in minor units, event time in ms, attributes as they compare.
    """
    *rest, attributes = body
    return UUID(bytes=sha256(msgspec.json.encode([*rest, _in_order(attributes)])).digest()[:16])


def archived(decided: DecidedTransaction) -> ArchivedDecision:
    """What stays of a row."""
    fields = {name: getattr(decided, name) for name in Decision.__struct_fields__}
    return ArchivedDecision(decision=Decision(**fields), body_hash=hash_of(body_of(decided)))


def _in_order(attributes: Any) -> list[tuple[str, str | float]] | None:
    """Sorted, and no zero with a sign: it equals the other one, and Postgres keeps none."""
    if attributes is None:
        return None
    return sorted(
        (name, value if isinstance(value, str) else value + 0.0) for name, value in attributes.items()
    )
