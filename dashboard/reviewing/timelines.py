"""Ninety days of a customer or a terminal around a transaction: by day, and the latest one by one."""

from datetime import UTC, datetime
from typing import Literal

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import Patch, dcc, html
from dash.development.base_component import Component

from dashboard.cards import card, chart, table
from dashboard.reviewing.filters import address_of
from dashboard.reviewing.words import DECISIONS, Document, label
from dashboard.themes import colours
from dashboard.view import View
from dashboard.wording import amount, count

Entity = Literal["customer", "terminal"]
OTHER: dict[Entity, Entity] = {"customer": "terminal", "terminal": "customer"}
BEFORE, AFTER = 30, 10
ALL, ALERTS, FRAUDS, THIS = range(4)


def timeline_card(entity: Entity, dark: bool) -> Component:
    """The table tells one by one what the figure tells by day."""
    look = colours(dark)
    traces = [
        go.Bar(name="payments", marker={"color": look.accent}, opacity=0.55),
        _marks("reviews and declines", "triangle-up", 14, look.review, look.page),
        _marks("frauds", "x", 8, look.decline, look.page),
        _marks("this one", "star", 15, look.text, look.page),
    ]
    return card(
        f"The {entity}: 90 days",
        chart(f"reviews-{entity}", traces, dark, xaxis={"type": "date"}),
        dmc.Text("", id=f"reviews-{entity}-words", size="sm"),
        html.Details(
            [
                html.Summary("One by one"),
                html.Div(id=f"reviews-{entity}-rows", className="reviews-rows"),
            ],
            open=True,
        ),
        note="A day is of UTC; marks stand at how many there were. Frauds are those known by now.",
    )


def _marks(name: str, symbol: str, size: int, colour: str, edge: str) -> go.Scatter:
    marker = {"symbol": symbol, "size": size, "color": colour, "line": {"color": edge, "width": 1}}
    return go.Scatter(name=name, mode="markers", marker=marker)


def timeline_drawn(decision: Document, timeline: Document) -> Patch:
    days, figure = timeline["days"], Patch()
    day = _day(decision)
    for trace, name in ((ALL, "transactions"), (ALERTS, "alerts"), (FRAUDS, "frauds")):
        found = [each for each in days if each[name] or trace == ALL]
        figure["data"][trace].update(
            {"x": [each["day"] for each in found], "y": [each[name] for each in found]}
        )
    this = [each["transactions"] for each in days if each["day"] == day] or [0]
    figure["data"][THIS].update({"x": [day], "y": this})
    return figure


def timeline_words(timeline: Document) -> str:
    days = timeline["days"]
    alerts, frauds, payments = (
        count(sum(each[name] for each in days)) for name in ("alerts", "frauds", "transactions")
    )
    cut = " There were more: only the nearest were looked at." if timeline["truncated"] else ""
    return f"{payments} payments in {len(days)} days; {alerts} reviews and declines, {frauds} frauds.{cut}"


def timeline_rows(entity: Entity, decision: Document, timeline: Document, view: View) -> Component:
    """The nearest to the transaction, newest first."""
    rows = timeline["rows"]
    later = [row for row in rows if row["after"]]
    earlier = [row for row in rows if not row["after"]]
    shown = [*later[max(0, len(later) - AFTER) :], *earlier[:BEFORE]]
    left = timeline["rows_left_out"] + len(rows) - len(shown)
    other = OTHER[entity]
    content = [
        table(
            ("Made at", "Amount", other.capitalize(), "Decision", "Label", "Transaction", "Score"),
            [_row(row, other, decision, view) for row in shown],
            "There is none.",
            caption=f"Payments of the {entity}",
        )
    ]
    if left:
        content.append(dmc.Text(f"{count(left)} more are not listed.", size="xs", c="dimmed"))
    return html.Div(content)


def _row(row: Document, other: Entity, decision: Document, view: View) -> tuple[object, ...]:
    return (
        f"{datetime.fromisoformat(row['event_time']).astimezone(view.timezone()):%m-%d %H:%M}",
        amount(row["amount_minor"], decision["currency"]),
        row[f"{other}_id"],
        DECISIONS[row["decision"]],
        label(row["label"]),
        _name(row, decision, view),
        f"{row['score']:.3f}",
    )


def _name(row: Document, decision: Document, view: View) -> object:
    name = row["transaction_id"]
    if name == decision["transaction_id"]:
        return html.Strong("★ this one")
    words = f"{name} (later)" if row["after"] else name
    if row["decision"] == "approve":
        return words
    return dcc.Link(words, href=address_of(name, view))


def _day(decision: Document) -> str:
    return datetime.fromisoformat(decision["event_time"]).astimezone(UTC).date().isoformat()
