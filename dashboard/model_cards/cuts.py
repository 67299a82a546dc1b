"""Where the policy in force cuts scores, as figures show it."""

from collections.abc import Sequence
from typing import NamedTuple

from dashboard.model_cards.framing import Document, Look
from dashboard.themes import colours

# A logarithmic axis has no place for 0.
LOWEST = 1e-6


class Cut(NamedTuple):
    """A kind of threshold, and the lowest and the highest over all amounts."""

    kind: str
    low: float
    high: float


def cuts_of(policies: Document | None) -> list[Cut]:
    """None of them where the policy in force is not known."""
    if policies is None:
        return []
    bands = policies["policy"]["bands"]
    return [
        Cut(kind, min(band[name] for band in bands), max(band[name] for band in bands))
        for kind, name in (("review", "review_at"), ("decline", "decline_at"))
    ]


def explained(cuts: Sequence[Cut]) -> str:
    if not cuts:
        return "The thresholds in force are not known at the moment."
    words = (f"{kind} from {between(low, high)}" for kind, low, high in cuts)
    by_amount = ", by amount" if any(low != high for _, low, high in cuts) else ""
    return f"In force: {', '.join(words)}{by_amount}; drawn into each figure."


def between(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def lines(cuts: Sequence[Cut], look: Look) -> list[Document]:
    """Upright, at thresholds in force; over a range where they depend on the amount."""
    return [_line(cut.kind, max(cut.low, LOWEST), cut.high, look) for cut in cuts if cut.high >= LOWEST]


def _line(kind: str, low: float, high: float, look: Look) -> Document:
    hues = colours(look.dark)
    colour = hues.review if kind == "review" else hues.decline
    return {
        "type": "rect",
        "yref": "paper",
        "x0": low,
        "x1": high,
        "y0": 0,
        "y1": 1,
        "fillcolor": colour,
        "opacity": 0.9 if low == high else 0.2,
        "line": {"color": colour, "width": 1.5, "dash": "dot" if kind == "review" else "solid"},
        "label": {"text": kind, "textangle": -90, "textposition": "top right", "font": {"color": colour}},
    }
