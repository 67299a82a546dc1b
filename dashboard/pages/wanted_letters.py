"""Which dead letters an address names."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.view import View
from models.errors import BadSetting

TOPICS = ("transactions", "labels")
SINCE = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
LONGEST_REASON = 64
# Whole topics may be read; the gateway itself gives up before that.
LETTERS_S = 70.0


def chosen_in(view: View) -> dict[str, str | None]:
    """topic, reason and since, as the address has them; None for any.

    Raises:
        BadSetting: there is no such topic, reason or time.
    """
    topic, reason, since = (view.query.get(name) for name in ("topic", "reason", "since"))
    if topic is not None and topic not in TOPICS:
        raise _bad("topic", topic, TOPICS)
    if reason is not None and not (reason.isprintable() and len(reason) <= LONGEST_REASON):
        raise BadSetting("no dead letter has such a reason", next_step="choose one in the list")
    if since is not None and since not in SINCE:
        raise _bad("since", since, SINCE)
    return {"topic": topic, "reason": reason, "since": since}


def wanted_of(view: View, now: datetime) -> dict[str, str]:
    """The same as the gateway is asked for them; `from` is of a whole minute, so that all ask the same.

    Raises:
        BadSetting: as above.
    """
    chosen = chosen_in(view)
    since = chosen.pop("since")
    if since:
        chosen["from"] = (now - SINCE[since]).strftime("%Y-%m-%dT%H:%M:00Z")
    return {name: value for name, value in chosen.items() if value}


def _bad(name: str, value: str, wanted: Iterable[str]) -> BadSetting:
    return BadSetting(
        f"the address says {name}={value[:60]}, which cannot be", next_step=f"use one of {', '.join(wanted)}"
    )
