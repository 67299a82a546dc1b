"""Cases in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any

from dashboard.wording import NOTHING
from models.finding import REASON_CODES, CaseVerdict
from models.user import OWNER

Document = Mapping[str, Any]
VERDICT_WORDS: dict[CaseVerdict, str] = {
    "genuine": "Approve",
    "fraud": "Confirm fraud",
    "escalate": "Escalate",
    "snooze": "Snooze",
}
DECISIONS = {"approve": "✓ approve", "review": "◇ review", "decline": "✕ decline"}
LABELS = {"fraud": "▲ fraud", "genuine": "✓ genuine", "unknown": "? unknown"}


def actor_of(name: str) -> str:
    """Who acts, as cases name him."""
    return f"{OWNER}/{name}"


def person(actor: str) -> str:
    """As people read it: without the word for people; of a key with its owner."""
    return actor.removeprefix(f"{OWNER}/")


def plain(code: str) -> str:
    """Of a code."""
    return code.replace("_", " ").capitalize()


def choices_of(verdict: CaseVerdict) -> list[dict[str, str]]:
    """What a verdict may rest on, for a menu."""
    note = {"other": "Other (say it in the note)"}
    return [{"value": code, "label": note.get(code, plain(code))} for code in REASON_CODES[verdict]]


def age(since: str, now: datetime) -> str:
    """To the minute at most: it changes no oftener."""
    minutes = max(0, int((now - datetime.fromisoformat(since)) / timedelta(minutes=1)))
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= 2 * size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"


def clock(text: str, now: datetime, zone: tzinfo) -> str:
    """A time near now: without the day where that is today."""
    at = datetime.fromisoformat(text).astimezone(zone)
    same_day = at.date() == now.astimezone(zone).date()
    return f"{at:%H:%M}" if same_day else f"{at:%Y-%m-%d %H:%M}"


def lies_ahead(text: str | None, now: datetime) -> bool:
    return text is not None and datetime.fromisoformat(text) > now


def label(said: str | None) -> str:
    return LABELS.get(said, said) if said else NOTHING
