"""What is normal for the customer and the terminal, beside the transaction. Days and hours are of UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go
from dash import Patch
from dash.development.base_component import Component

from dashboard.cards import chart, table
from dashboard.reviewing.words import Document
from dashboard.themes import colours
from dashboard.wording import NOTHING, amount, count

HEIGHT_PX = 150
HOURS = [f"{hour:02}" for hour in range(24)]


def hours_chart(dark: bool) -> Component:
    look = colours(dark)
    bars = [
        go.Bar(name="other hours", marker={"color": look.accent}),
        go.Bar(name="this hour", marker={"color": look.review, "pattern": {"shape": "/"}}),
        go.Scatter(
            name="this transaction",
            mode="markers",
            marker={
                "symbol": "star",
                "size": 14,
                "color": look.review,
                "line": {"color": look.text, "width": 1},
            },
        ),
    ]
    axis = {"type": "category", "categoryorder": "array", "categoryarray": HOURS, "range": [-0.5, 23.5]}
    figure = chart("reviews-hours", bars, dark, barmode="stack", xaxis=axis)
    figure.style = {"height": HEIGHT_PX}
    return figure


def hours_drawn(decision: Document, context: Document) -> Patch:
    """The customer's."""
    hours, this = context["customer"]["normal"]["hours"], _hour(decision)
    figure = Patch()
    for trace, counts in enumerate(
        (
            [0 if hour == this else many for hour, many in enumerate(hours)],
            [many if hour == this else 0 for hour, many in enumerate(hours)],
        )
    ):
        figure["data"][trace].update({"x": HOURS, "y": counts})
    figure["data"][2].update({"x": [HOURS[this]], "y": [hours[this]]})
    return figure


def normals(decision: Document, context: Document) -> Component:
    who = (context["customer"], context["terminal"])
    currency, hour = decision["currency"], _hour(decision)
    rows = [
        ("Amount, median", amount(decision["amount_minor"], currency), *_amounts(who, "median", currency)),
        ("95 % are at most", "", *_amounts(who, "p95", currency)),
        ("The largest", "", *_amounts(who, "largest", currency)),
        ("Smaller than this one", "", *(_percentile(each) for each in who)),
        ("At this hour", f"{hour:02} h UTC", *(_at_hour(each, hour) for each in who)),
        ("Payments a day", _on_this_day(decision, context["customer"]), *(_pace(each) for each in who)),
        ("Known frauds", "", *(count(each["normal"]["known_frauds"]) for each in who)),
        ("Payments looked at", "", *(_payments(each) for each in who)),
    ]
    head = ("Figure", "This one", "Customer", "Terminal")
    return table(head, rows, "", caption="Beside what is normal")


def _amounts(who: Sequence[Document], name: str, currency: str) -> list[str]:
    found = [each["normal"][f"{name}_amount_minor"] for each in who]
    return [NOTHING if each is None else amount(each, currency) for each in found]


def _percentile(who: Document) -> str:
    found = who["normal"]["amount_percentile"]
    return NOTHING if found is None else f"{found:.0f} %"


def _at_hour(who: Document, hour: int) -> str:
    hours = who["normal"]["hours"]
    return f"{count(hours[hour])} of {count(sum(hours))}" if sum(hours) else NOTHING


def _pace(who: Document) -> str:
    """On days with any."""
    pace = who["normal"]["transactions_per_active_day"]
    return NOTHING if pace is None else f"{pace:.1f}"


def _on_this_day(decision: Document, customer: Document) -> str:
    day = _made(decision).date().isoformat()
    found = next((each for each in customer["timeline"]["days"] if each["day"] == day), None)
    return NOTHING if found is None else f"{count(found['transactions'])} that day"


def _payments(who: Document) -> str:
    normal = who["normal"]
    since = datetime.fromisoformat(normal["from"]).astimezone(UTC)
    return f"{count(normal['transactions'])} since {since:%m-%d}{', cut' if normal['truncated'] else ''}"


def _hour(decision: Document) -> int:
    return _made(decision).hour


def _made(decision: Document) -> datetime:
    found: Any = datetime.fromisoformat(decision["event_time"])
    return found.astimezone(UTC)
