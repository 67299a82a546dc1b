"""A finding: an analyst's verdict on a case, and what it rests on."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.card_number import holds_card_number
from models.errors import MalformedReview
from models.transaction import CARD_NUMBER

CaseVerdict = Literal["fraud", "genuine", "escalate", "snooze"]
ReasonCode = Literal[
    "customer_denies",
    "account_taken_over",
    "card_lost_or_stolen",
    "terminal_compromised",
    "fraud_pattern",
    "customer_confirms",
    "usual_for_customer",
    "terminal_explained",
    "second_opinion",
    "linked_cases",
    "awaiting_customer",
    "awaiting_bank",
    "other",
]
# What each verdict may rest on. `other` fits all, and wants a note.
REASON_CODES: dict[CaseVerdict, tuple[ReasonCode, ...]] = {
    "fraud": (
        "customer_denies",
        "account_taken_over",
        "card_lost_or_stolen",
        "terminal_compromised",
        "fraud_pattern",
        "other",
    ),
    "genuine": ("customer_confirms", "usual_for_customer", "terminal_explained", "other"),
    "escalate": ("second_opinion", "linked_cases", "other"),
    "snooze": ("awaiting_customer", "awaiting_bank", "other"),
}
LONGEST_NOTE = 2000
LONGEST_SNOOZE = timedelta(days=30)

Note = Annotated[
    str,
    Meta(max_length=LONGEST_NOTE, pattern="^[^\\x00]*$", description="free text, of no card number"),
]
Until = Annotated[datetime, Meta(tz=True, description="until when a case sleeps: at most 30 days")]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What an analyst finds. until: of a snooze, and of nothing else."""

    verdict: CaseVerdict
    reason_code: ReasonCode
    note: Note = ""
    until: Until | None = None


def check_finding(finding: Finding, now: datetime) -> None:
    """What the types do not say.

    Raises:
        MalformedReview: card_number, invalid_value, missing_field.
    """
    if holds_card_number(finding.note):
        raise MalformedReview(CARD_NUMBER, "the note holds a card number")
    if finding.reason_code not in REASON_CODES[finding.verdict]:
        fitting = ", ".join(REASON_CODES[finding.verdict])
        raise MalformedReview("invalid_value", f"reason_code: {finding.verdict} rests on one of {fitting}")
    if finding.reason_code == "other" and not finding.note.strip():
        raise MalformedReview("missing_field", "note: `other` wants it said in words")
    if finding.verdict == "snooze":
        _check_until(finding.until, now)
    elif finding.until is not None:
        raise MalformedReview("invalid_value", f"until: {finding.verdict} has none")


def _check_until(until: datetime | None, now: datetime) -> None:
    if until is None:
        raise MalformedReview("missing_field", "until: a snooze wants it")
    if not now < until <= now + LONGEST_SNOOZE:
        raise MalformedReview("invalid_value", f"until: within the next {LONGEST_SNOOZE.days} days")
