"""What came of an action, told to whoever acted."""

from typing import Any

from dash import set_props

from dashboard.page import Updates
from models.errors import FraudError

SHOWN_MS = 6000


def tell(title: str, message: str, *, is_failure: bool = False) -> None:
    """In a corner of the page. A failure stays until it is closed."""
    notice = {
        "action": "show",
        "title": f"{'⚠ ' if is_failure else ''}{title}",
        "message": message,
        "closeButtonProps": {"aria-label": "Close"},
        "color": "red" if is_failure else "teal",
        "autoClose": False if is_failure else SHOWN_MS,
    }
    set_props("notices", {"sendNotifications": [notice]})


def tell_failure(error: FraudError) -> None:
    what = f"{error.what[:1].upper()}{error.what[1:]}"
    words: list[str] = [error.why, f"Next: {error.next_step}" if error.next_step else ""]
    tell(what, " ".join(f"{word.rstrip('.')}." for word in words if word), is_failure=True)


def put(updates: Updates) -> None:
    """New values into the page that is open."""
    values: dict[str, dict[str, Any]] = {}
    for (component, name), value in updates.items():
        values.setdefault(component, {})[name] = value
    for component, named in values.items():
        set_props(component, named)
