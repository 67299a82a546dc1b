"""Calibration, precision and recall, and costs: one curve for each variant, and where the policy cuts."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.model_cards.calibration import calibration
from dashboard.model_cards.cuts import Cut, cuts_of, explained, lines
from dashboard.model_cards.figures import money, plain
from dashboard.model_cards.framing import (
    CURVE_PX,
    DRAWN,
    Document,
    Look,
    as_table,
    axis_title,
    filled,
    named_trace,
    nothing,
    plot,
    style_of,
    subtitle,
)
from dashboard.model_cards.hearing import Heard
from dashboard.model_cards.questions import lacks_labels
from dashboard.page import Updates
from dashboard.wording import share

MOST_ROWS = 12
# Dearer than that many times the least is cut off: where nearly all is reviewed.
DEAREST = 4.0
LOG = {"type": "log", "tickformat": "~g", "dtick": 1, "ticklabelstandoff": 6}


@lru_cache(DRAWN)
def show_curves(quality: Heard, policy: Heard, look: Look) -> Updates:
    told = quality.document
    if told is None:
        return filled("curves", None, quality)
    if lacks_labels(quality):
        return filled("curves", nothing("There are no curves without labels: see above."), quality)
    variants, cuts = told["variants"], cuts_of(policy.document)
    parts = [draw(variants, cuts, look) for draw in (calibration, _precision_recall, _costs)]
    content = dmc.SimpleGrid([html.Div(part) for part in parts], cols={"base": 1, "lg": 3}, spacing="md")
    return filled("curves", [nothing(explained(cuts)), content], quality, policy)


def _precision_recall(variants: Sequence[Document], cuts: Sequence[Cut], look: Look) -> list[Any]:
    data: list[Document] = []
    rows: list[Any] = []
    for at, each in enumerate(variants):
        points = each["precision_recall"]
        marks = [(cut.kind, score) for cut in cuts for score in sorted({cut.low, cut.high}) if points]
        data += [_line_of(each, at, look), *(_cut_point(each, at, *mark, look) for mark in marks)]
        rows += [
            (each["name"], plain(point["threshold"]), share(point["precision"]), share(point["recall"]))
            for point in thinned(points)
        ]
    axis = {"range": [0, 1.08], "tickformat": ".0%", "ticklabelstandoff": 6, "dtick": 0.25}
    drawn = plot(
        "precision-recall",
        "Precision over recall for each variant; marked: the thresholds in force",
        data,
        look.dark,
        CURVE_PX,
        xaxis={**axis, "title": axis_title("recall: of the frauds, found")},
        yaxis={**axis, "title": axis_title("precision")},
    )
    head = ("Variant", "Score from", "Precision", "Recall")
    words = "Marked: what the policy reviews or declines (R), and what it declines (D)."
    return [
        subtitle("Precision and recall"),
        drawn,
        nothing(words),
        as_table(head, rows, "Precision and recall of each variant"),
    ]


def _line_of(variant: Document, at: int, look: Look) -> Document:
    points = variant["precision_recall"]
    return {
        **named_trace(variant, at, look),
        "mode": "lines",
        "x": [point["recall"] for point in points],
        "y": [point["precision"] for point in points],
        "customdata": [[point["threshold"]] for point in points],
        "hovertemplate": "score from %{customdata[0]:.3f}: recall %{x:.1%}, precision %{y:.1%}",
    }


def _cut_point(variant: Document, at: int, kind: str, cut: float, look: Look) -> Document:
    """Where a threshold lies on the curve: at the lowest score of a fraud that it does not let pass."""
    points, style = variant["precision_recall"], style_of(at, look.dark)
    kept = [point for point in points if point["threshold"] >= cut]
    point = min(kept or points, key=lambda each: each["threshold"] if kept else -each["threshold"])
    return {
        "type": "scatter",
        "mode": "markers+text",
        "showlegend": False,
        "x": [point["recall"]],
        "y": [point["precision"]],
        "text": [kind[0].upper()],
        "textposition": "top right" if at == 0 else "bottom left",
        "marker": {"color": style.colour, "symbol": style.marker, "size": 13},
        "hovertemplate": f"{variant['name']}, {kind} from {cut:g}<extra></extra>",
    }


def thinned(points: Sequence[Any], most: int = MOST_ROWS) -> list[Any]:
    """Evenly, first and last included."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _costs(variants: Sequence[Document], cuts: Sequence[Cut], look: Look) -> list[Any]:
    data, least, rows = [], [], []
    for at, each in enumerate(variants):
        points = each["costs"]
        line = {"x": [point["threshold"] for point in points], "y": [_cost(point) / 100 for point in points]}
        hover = "review from %{x:.4f}: %{y:,.2f}"
        data.append({**named_trace(each, at, look), **line, "mode": "lines", "hovertemplate": hover})
        best = min(points, key=_cost)
        least.append(f"{each['name']} from {best['threshold']:.3g} on ({money(_cost(best))})")
        rows += [
            (each["name"], f"{point['threshold']:.4g}", money(_cost(point))) for point in thinned(points)
        ]
    seen = [y for trace in data for y in trace["y"]]
    top = min(max(seen), DEAREST * max(min(seen), 0.01))
    drawn = plot(
        "costs",
        "Cost per thousand transactions over the review threshold, for each variant",
        data,
        look.dark,
        CURVE_PX,
        xaxis={**LOG, "title": axis_title("review from")},
        yaxis={"title": axis_title("per 1,000 transactions"), "range": [0, top * 1.05]},
        shapes=lines(cuts, look),
    )
    return [
        subtitle("Expected cost"),
        drawn,
        nothing(f"Reviewing costs least for {'; '.join(least)}. What the policy declines stays declined."),
        as_table(("Variant", "Review from", "Cost per 1,000"), rows, "Expected cost of each variant"),
    ]


def _cost(point: Document) -> float:
    return float(point["cost_per_thousand_minor"])
