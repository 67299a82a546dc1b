"""The buttons of a case, and what a verdict wants: a reason that fits it, and for a snooze a time."""

from datetime import datetime, time, timedelta, tzinfo
from typing import Any

import dash_mantine_components as dmc
from dash import Dash
from dash.development.base_component import Component

from dashboard.page import Updates
from dashboard.reviewing.dialogs import add_dialog, dialog
from dashboard.reviewing.words import VERDICT_WORDS, Document, choices_of, lies_ahead
from models.errors import BadSetting
from models.finding import LONGEST_NOTE, CaseVerdict

KEYS: dict[str, str] = {"genuine": "a", "fraud": "f", "escalate": "e", "snooze": "s"}
COLOURS: dict[str, str] = {"genuine": "teal", "fraud": "red"}
VERDICTS: tuple[CaseVerdict, ...] = ("genuine", "fraud", "escalate", "snooze")
TOMORROW = "tomorrow"
SNOOZES = (("1h", "1 hour"), ("4h", "4 hours"), (TOMORROW, "Tomorrow 08:00"), ("3d", "3 days"))
LASTS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "3d": timedelta(days=3)}
MORNING = time(8)


def case_buttons() -> Component:
    """Closed until it is known who has the case."""
    verdicts = [_button(each, VERDICT_WORDS[each], KEYS[each]) for each in VERDICTS]
    return dmc.Group(
        [
            _button("take", "Take", "t"),
            _button("release", "Release", "r"),
            *verdicts,
            _button("undo", "Undo", "u"),
        ],
        gap="xs",
    )


def _button(name: str, word: str, key: str) -> Component:
    return dmc.Button(
        f"{word} ({key})",
        id=f"reviews-{name}",
        size="xs",
        disabled=True,
        variant="light" if name in COLOURS else "default",
        color=COLOURS.get(name, "blue"),
        **{"aria-keyshortcuts": key},
    )


def verdict_modals(zone_name: str) -> list[Component]:
    return [_modal(verdict, zone_name) for verdict in VERDICTS]


def _modal(verdict: CaseVerdict, zone_name: str) -> Component:
    reason = dmc.Select(
        id=f"reviews-{verdict}-code",
        label="Reason",
        placeholder="Choose one",
        data=choices_of(verdict),
        required=True,
        mb="sm",
        **{"data-autofocus": True},
    )
    note = dmc.Textarea(
        id=f"reviews-{verdict}-note",
        label="Note",
        description="Of no card number. It stands in the case alone.",
        autosize=True,
        minRows=2,
        inputProps={"maxLength": LONGEST_NOTE},
        mb="md",
    )
    confirm = dmc.Button(VERDICT_WORDS[verdict], id=f"reviews-{verdict}-confirm")
    until = [_snoozes(zone_name)] if verdict == "snooze" else []
    return dialog(f"reviews-{verdict}-modal", VERDICT_WORDS[verdict], *until, reason, note, acts=confirm)


def _snoozes(zone_name: str) -> Component:
    choices = [
        dmc.Radio(f"{word} {zone_name}" if value == TOMORROW else word, value=value)
        for value, word in SNOOZES
    ]
    return dmc.RadioGroup(
        dmc.Stack(choices, gap=4),
        id="reviews-snooze-until",
        label="Until",
        value=SNOOZES[0][0],
        mb="sm",
    )


def add_verdict_scripts(app: Dash) -> None:
    for verdict in VERDICTS:
        add_dialog(app, f"reviews-{verdict}-modal", f"reviews-{verdict}")


def finding_of(
    verdict: CaseVerdict, code: Any, note: Any, until: Any, now: datetime, zone: tzinfo
) -> dict[str, Any]:
    """As the gateway takes it.

    Raises:
        BadSetting: there is no reason, or no such time.
    """
    if not code:
        raise BadSetting("a verdict wants a reason", next_step="choose one")
    found = {"verdict": verdict, "reason_code": str(code), "note": str(note or "")}
    return found | ({"until": _until(until, now, zone).isoformat()} if verdict == "snooze" else {})


def _until(until: Any, now: datetime, zone: tzinfo) -> datetime:
    if until == TOMORROW:
        day = now.astimezone(zone).date() + timedelta(days=1)
        return datetime.combine(day, MORNING, zone)
    if not isinstance(until, str) or until not in LASTS:
        raise BadSetting("a snooze wants a time", next_step="choose until when")
    return now + LASTS[until]


def open_buttons(case: Document, me: str, now: datetime) -> Updates:
    """Which buttons are open to somebody, and for how long a verdict can be undone."""
    is_settled = case["state"] in ("fraud", "genuine")
    is_mine = not is_settled and case["held_by"] == me
    is_free = not is_settled and case["held_by"] in (None, me)
    can_undo = case["decided_by"] == me and lies_ahead(case["undo_until"], now)
    undo = "Undo (u)"
    if can_undo:
        left = datetime.fromisoformat(case["undo_until"]) - now
        undo = f"Undo (u): {left.total_seconds():.0f} s left"
    return {
        ("reviews-take", "disabled"): not is_free,
        ("reviews-take", "children"): "Take for longer (t)" if is_mine else "Take (t)",
        ("reviews-release", "disabled"): not is_mine,
        **{(f"reviews-{verdict}", "disabled"): not is_mine for verdict in VERDICTS},
        ("reviews-undo", "disabled"): not can_undo,
        ("reviews-undo", "children"): undo,
        ("reviews-undo", "variant"): "filled" if can_undo else "default",
    }
