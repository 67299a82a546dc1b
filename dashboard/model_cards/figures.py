"""Figures of a variant: what they are called, and how they are read."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dashboard.wording import NOTHING, share

Document = Mapping[str, Any]


LARGE_MINOR = 1_000_000


class Figure(NamedTuple):
    """text: of a value."""

    label: str
    text: Callable[[float], str]


def plain(value: float) -> str:
    return f"{value:.3f}"


def money(minor: float) -> str:
    """Without the currency, which a heading names; large ones without what is below it."""
    return f"{minor / 100:,.0f}" if abs(minor) >= LARGE_MINOR else f"{minor / 100:,.2f}"


FIGURES: Mapping[str, Figure] = {
    "auc_roc": Figure("AUC-ROC", plain),
    "average_precision": Figure("Average precision", plain),
    "cost_per_thousand_minor": Figure("Cost per 1,000", money),
    "fraud_caught_minor": Figure("Fraud caught", money),
    "fraud_missed_minor": Figure("Fraud missed", money),
    "approval_rate": Figure("Approved", share),
    "review_rate": Figure("Reviewed", share),
    "decline_rate": Figure("Declined", share),
}


def interval(of: Document | None, text: Callable[[float], str]) -> str:
    """A value and between what it lies."""
    if of is None:
        return NOTHING
    return f"{text(of['value'])} ({text(of['low'])} to {text(of['high'])})"


def signed(value: float, text: Callable[[float], str]) -> str:
    """With its sign; what is written as 0 has none."""
    size = text(abs(value))
    if size == text(0):
        return size
    return f"{'+' if value > 0 else '−'}{size}"


def signed_interval(of: Document, text: Callable[[float], str]) -> str:
    ends = (signed(of[end], text) for end in ("value", "low", "high"))
    return "{} ({} to {})".format(*ends)
