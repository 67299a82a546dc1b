"""Where there is nothing to measure: why, and when there will be."""

from datetime import datetime, timedelta
from typing import Any

import dash_mantine_components as dmc

from dashboard.model_cards.framing import Document, Look, minute, nothing
from dashboard.model_cards.hearing import Heard

MATURES, USUAL, A_DAY = timedelta(days=7), timedelta(days=28), timedelta(days=1)
SEND = "send them to the topic labels, or to POST /v1/labels"


def no_labels(told: Document, first: Heard, newest: Heard, look: Look) -> list[Any]:
    """told: the answer that measured nothing. first: counts since long ago. newest: the last decision."""
    span = f"{minute(told['from'], look)} and {minute(told['to'], look)}"
    why = f"No decision with an event time between {span} has a label. "
    happened = _newest_event(newest)
    begun = _begun(first)
    if first.document is None:
        return [nothing(why, "Labels count once they are a week old.")]
    if begun is None:
        words = "Nothing was decided in the last months: send transactions, and their labels a week later."
        return [nothing(why, words)]
    if happened is not None and happened + A_DAY < begun:
        return [
            nothing(why, f"Labels count once they are a week old, by event time: {SEND}."),
            *_old(told, happened),
        ]
    return [nothing(why, _when(begun + MATURES, datetime.fromisoformat(told["to"]) + MATURES, look))]


def _when(due: datetime, now: datetime, look: Look) -> str:
    if due > now:
        return (
            f"Labels count once they are a week old: those of the first decisions from "
            f"{minute(due.isoformat(), look)} on."
        )
    return f"Labels of what was decided a week ago would count: {SEND}."


def _begun(first: Heard) -> datetime | None:
    points = (first.document or {}).get("points", [])
    return next((datetime.fromisoformat(each["at"]) for each in points if each["decisions"]), None)


def _newest_event(newest: Heard) -> datetime | None:
    items = (newest.document or {}).get("items") or []
    return datetime.fromisoformat(items[0]["event_time"]) if items else None


def _old(told: Document, happened: datetime) -> list[Any]:
    """A replay of long ago: its event times lie elsewhere."""
    if datetime.fromisoformat(told["from"]) <= happened <= datetime.fromisoformat(told["to"]) + MATURES:
        return []
    ends = f"?from={happened - USUAL:%Y-%m-%dT%H:%M:%SZ}&to={happened:%Y-%m-%dT%H:%M:%SZ}"
    link = dmc.Anchor(
        "measure the four weeks before it", href=f"/models{ends}", size="sm", underline="always"
    )
    return [nothing("The newest decision is of long ago, by event time: ", link, ".")]
