"""The figures of the live page: drawn once, and filled by patches."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go
from dash import Patch
from dash.development.base_component import Component

from dashboard.cards import chart
from dashboard.page import Updates
from dashboard.themes import Colours, colours
from dashboard.view import View
from dashboard.wording import plotted

# Of a decision by the stream, from the broker's timestamp to the committed row.
GOAL_P50_S, GOAL_P99_S = 0.007, 0.035
QUANTILES = ("p50_s", "p95_s", "p99_s")
KINDS = ("review", "decline")
Document = Mapping[str, Any]


def rate_chart(dark: bool) -> Component:
    line = {"color": colours(dark).accent, "width": 2}
    trace = go.Scatter(name="all decisions", line=line, fill="tozeroy", mode="lines")
    return chart("live-rate", [trace], dark, showlegend=False)


def alerts_chart(dark: bool) -> Component:
    look = colours(dark)
    bars = [
        go.Bar(name="review", marker={"color": look.review, "pattern": {"shape": "/"}}),
        go.Bar(name="decline", marker={"color": look.decline}),
    ]
    return chart("live-alerts", bars, dark, barmode="stack")


def latency_chart(dark: bool) -> Component:
    look = colours(dark)
    lines = [
        go.Scatter(name="p50", line={"color": look.approve, "width": 2}),
        go.Scatter(name="p95", line={"color": look.accent, "width": 2, "dash": "dash"}),
        go.Scatter(name="p99", line={"color": look.second, "width": 2, "dash": "dot"}),
    ]
    goals = [_goal(GOAL_P50_S, "goal p50", look), _goal(GOAL_P99_S, "goal p99", look)]
    axis = {"type": "log", "dtick": 1, "title": {"text": "ms"}}
    return chart("live-latency", lines, dark, yaxis=axis, shapes=goals)


def _goal(limit_s: float, name: str, look: Colours) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": limit_s * 1000,
        "y1": limit_s * 1000,
        "line": {"color": look.goal, "width": 1, "dash": "longdash"},
        "label": {"text": name, "textposition": "end", "font": {"size": 10, "color": look.goal}},
    }


def filled(whole: Document, view: View, now: datetime) -> Updates:
    """whole: what the gateway tells of the range. now: until when it was counted."""
    starts, zone = list(_starts(whole, now)), view.timezone()
    points = {datetime.fromisoformat(point["at"]): point for point in whole["points"]}
    found = [points.get(start) for start in starts]
    x = [plotted(start, zone) for start in starts]
    rate, alerts, latency = Patch(), Patch(), Patch()
    sizes = [_elapsed_s(start, whole["interval_s"], now) for start in starts]
    _fill(rate, 0, x, [_count(point) / size_s for point, size_s in zip(found, sizes, strict=True)])
    for trace, kind in enumerate(KINDS):
        _fill(alerts, trace, x, [_count(point, kind) for point in found])
    for trace, name in enumerate(QUANTILES):
        _fill(latency, trace, x, [_quantile(point, name) for point in found])
    for figure in (rate, alerts, latency):
        figure["layout"]["xaxis"]["range"] = [plotted(whole[end], zone) for end in ("from", "to")]
    names = ("live-rate", "live-alerts", "live-latency")
    return {(name, "figure"): figure for name, figure in zip(names, (rate, alerts, latency), strict=True)}


def _starts(whole: Document, now: datetime) -> Iterator[datetime]:
    """Of all intervals that have begun: the gateway leaves out those in which nothing was decided."""
    start, step = datetime.fromisoformat(whole["from"]), timedelta(seconds=whole["interval_s"])
    until = min(datetime.fromisoformat(whole["to"]), now)
    while start < until:
        yield start
        start += step


def _elapsed_s(start: datetime, interval_s: int, now: datetime) -> float:
    """The last one is still being filled."""
    return max(1.0, min(interval_s, (now - start).total_seconds()))


def _count(point: Document | None, kind: str = "") -> int:
    if point is None:
        return 0
    return sum(cell[kind] for cell in point["cells"]) if kind else int(point["decisions"])


def _quantile(point: Document | None, name: str) -> float | None:
    """In milliseconds; None where the stream decided nothing."""
    stream = of_stream(point["latency"]) if point else None
    return stream[name] * 1000 if stream else None


def of_stream(latencies: Sequence[Document]) -> Document | None:
    return next((each for each in latencies if each["path"] == "stream"), None)


def _fill(figure: Patch, trace: int, x: Sequence[str], y: Sequence[float | None]) -> None:
    figure["data"][trace]["x"] = x
    figure["data"][trace]["y"] = y
