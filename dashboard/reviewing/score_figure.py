"""A score drawn against the thresholds of the policy that decided, and what every variant says."""

from typing import Any

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import Patch, html
from dash.development.base_component import Component

from dashboard.cards import chart, table
from dashboard.reviewing.words import DECISIONS, Document
from dashboard.themes import colours
from dashboard.wording import NOTHING

HEIGHT_PX = 160
LANE = ["score"]


def score_chart(dark: bool) -> Component:
    look = colours(dark)
    bands = [
        go.Bar(name=name, y=LANE, orientation="h", marker=marker, hoverinfo="name+x", opacity=0.75)
        for name, marker in (
            ("approve", {"color": look.approve}),
            ("review", {"color": look.review, "pattern": {"shape": "/"}}),
            ("decline", {"color": look.decline, "pattern": {"shape": "x"}}),
        )
    ]
    edge = {"color": look.page, "width": 2}
    points = [
        _points("this score", "diamond", 18, look.text, edge),
        _points("other models", "circle", 12, look.accent, edge),
    ]
    figure = chart(
        "reviews-score",
        [*bands, *points],
        dark,
        barmode="stack",
        xaxis={"range": [0, 1], "dtick": 0.2},
        yaxis={"visible": False},
        hovermode="closest",
        legend={"traceorder": "normal"},
    )
    figure.style = {"height": HEIGHT_PX}
    return html.Div([figure, html.Div(id="reviews-score-words")])


def _points(name: str, symbol: str, size: int, colour: str, edge: dict[str, Any]) -> go.Scatter:
    marker = {"symbol": symbol, "size": size, "color": colour, "line": edge}
    return go.Scatter(name=name, mode="markers", marker=marker, hoverinfo="name+x+text")


def drawn(decision: Document, context: Document | None) -> Patch:
    """Where the policy is not known there are no bands."""
    limits = context["thresholds"] if context else None
    review, decline = (limits["review_at"], limits["decline_at"]) if limits else (0.0, 0.0)
    sizes = (review, decline - review, 1 - decline) if limits else (0.0, 0.0, 0.0)
    others = [each for each in (context["variants"] if context else []) if not each["decided"]]
    figure = Patch()
    for trace, size in enumerate(sizes):
        figure["data"][trace]["x"] = [size]
    for trace, scores, names in (
        (3, [decision["score"]], [decision["variant"]]),
        (4, [each["score"] for each in others], [each["variant"] for each in others]),
    ):
        figure["data"][trace].update({"x": scores, "y": LANE * len(scores), "text": names})
    return figure


def in_words(decision: Document, context: Document | None) -> Component:
    """The same for who cannot see it."""
    words = f"Score {decision['score']:.3f}."
    limits = context["thresholds"] if context else None
    if limits:
        words += (
            f" Policy {limits['policy_version']}, for this amount: review from {limits['review_at']:.3f},"
            f" decline from {limits['decline_at']:.3f}."
        )
    elif context:
        words += f" Policy {decision['policy_version']} was not kept: its thresholds are not known."
    return dmc.Text(words, size="sm")


def variants(decision: Document, context: Document) -> Component:
    rows = [
        (
            f"{each['variant']}{' ◆ decided this' if each['decided'] else ''}",
            f"{each['model_name']} v{each['model_version']}",
            f"{each['score']:.3f}",
            DECISIONS.get(each["decision"], NOTHING),
        )
        for each in context["variants"]
    ]
    missing = ", ".join(context["unavailable"])
    empty = f"No model can say: {missing} not available." if missing else "No model is in force."
    head = ("Variant", "Model", "Score", "Would say")
    content = [table(head, rows, empty, caption="What every variant says")]
    if rows and not any(each["decided"] for each in context["variants"]):
        words = f"It was decided by {decision['model_name']} v{decision['model_version']}, in force no more."
        content.append(dmc.Text(words, size="xs", c="dimmed"))
    return html.Div(content)
