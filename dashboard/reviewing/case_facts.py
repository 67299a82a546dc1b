"""What is known of a case itself: where it stands, its transaction, why, and what was done with it."""

from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.cards import table
from dashboard.reviewing.words import DECISIONS, Document, clock, label, lies_ahead, person, plain
from dashboard.view import View
from dashboard.wording import NOTHING, amount, moment

STATES = {
    "open": "○ Open",
    "taken": "● Taken",
    "snoozed": "z Snoozed",
    "escalated": "▲ Escalated",
    "fraud": "✕ Fraud",
    "genuine": "✓ Genuine",
}


def standing(case: Document, me: str, now: datetime, view: View, may_act: bool) -> str:
    """Who has it, until when, and what that means for whoever looks."""
    if case["state"] in ("fraud", "genuine"):
        by = f" by {person(case['decided_by'])}: {plain(case['reason_code'])}" if case["decided_by"] else ""
        return f"Settled{by or ' by a label from elsewhere'}."
    words = [_holder(case, me, now, view, may_act)]
    if case["escalated"]:
        words.append("It is escalated.")
    if lies_ahead(case["snoozed_until"], now):
        words.append(f"It sleeps until {clock(case['snoozed_until'], now, view.timezone())}.")
    return " ".join(words)


def _holder(case: Document, me: str, now: datetime, view: View, may_act: bool) -> str:
    if case["held_by"] is None:
        return "Nobody has it. Take it to act on it." if may_act else "Nobody has it."
    until = clock(case["held_until"], now, view.timezone())
    if case["held_by"] == me:
        return f"It is yours until {until}."
    closed = " You can act on it once it is free." if may_act else ""
    return f"{person(case['held_by'])} has it until {until}.{closed}"


def transaction(decision: Document, view: View) -> Component:
    zone = view.timezone()
    degraded = f"▲ with less: {decision['degraded_reason']}" if decision["degraded_reason"] else "✓ in full"
    rows: list[tuple[Any, Any]] = [
        ("Amount", html.Strong(amount(decision["amount_minor"], decision["currency"]))),
        ("Customer", decision["customer_id"]),
        ("Terminal", decision["terminal_id"]),
        ("Made at", moment(decision["event_time"], zone)),
        ("Decision", DECISIONS[decision["decision"]]),
        ("Decided at", f"{moment(decision['decided_at'], zone)}, by {decision['path']}, {degraded}"),
        ("Model", f"{decision['model_name']} v{decision['model_version']} ({decision['variant']})"),
        ("Policy · split", f"{decision['policy_version']} · {decision['ab_version']}"),
        *sorted((decision.get("attributes") or {}).items()),
    ]
    return table(("What", "Value"), rows, "", caption="The transaction")


def reasons(decision: Document) -> Component:
    found = decision["reasons"]
    if not found:
        return dmc.Text("Nothing raised the score by itself, or it was decided without a model.", size="sm")
    most = max(reason["contribution"] for reason in found)
    return dmc.Stack([_reason(reason, most) for reason in found], gap="xs")


def _reason(reason: Document, most: float) -> Component:
    return html.Div(
        [
            dmc.Text(reason["sentence"], size="sm"),
            dmc.Group(
                [
                    dmc.Progress(
                        value=100 * reason["contribution"] / most,
                        w=120,
                        color="blue",
                        **{"aria-label": f"Weight of: {plain(reason['code'])}"},
                    ),
                    dmc.Text(f"+{reason['contribution']:.2f} to the log-odds", size="xs", c="dimmed"),
                ],
                gap="xs",
            ),
        ]
    )


def labels(found: list[Document], view: View) -> Component:
    rows = [
        (moment(each["event_time"], view.timezone()), label(each["label"]), each["source"], each["version"])
        for each in reversed(found)
    ]
    empty = "None yet: nobody has said what became of this transaction."
    return table(("At", "Label", "Source", "Version"), rows, empty, caption="Labels")


def history(actions: list[Document], view: View) -> Component:
    zone = view.timezone()
    rows = [
        (moment(each["happened_at"], zone), person(each["actor"]), _done(each, view), each["note"] or NOTHING)
        for each in reversed(actions)
    ]
    return table(("At", "Who", "Did", "Note"), rows, "Nobody has acted on this case.", caption="Actions")


def _done(action: Document, view: View) -> str:
    words = [plain(action["verdict"] or action["action"])]
    if action["until"]:
        words.append(f"until {moment(action['until'], view.timezone())}")
    return " ".join(words) + (f": {plain(action['reason_code']).lower()}" if action["reason_code"] else "")
