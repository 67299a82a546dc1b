"""Whether transactions look like those that the models were trained on."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.cards import table
from dashboard.model_cards.figures import money, plain
from dashboard.model_cards.framing import (
    DRAWN,
    Document,
    Look,
    axis_title,
    filled,
    minute,
    nothing,
    plot,
    subtitle,
    whole,
)
from dashboard.model_cards.hearing import Heard
from dashboard.page import Updates
from dashboard.themes import Colours, colours
from dashboard.wording import count, share

BANDS = {"stable": "✓ stable", "moderate": "◆ moderate shift", "significant": "▲ significant shift"}
PATTERNS = {"stable": "", "moderate": "/", "significant": "x"}
MODERATE_FROM, SIGNIFICANT_FROM = 0.1, 0.25
AROUND_PX, BAR_PX = 60, 24


@lru_cache(DRAWN)
def show_drift(drift: Heard, look: Look) -> Updates:
    told = drift.document
    if told is None:
        return filled("drift", None, drift)
    if not told["models"]:
        words = "No model is in force, so there is nothing to compare with. Train one, and promote it."
        return filled("drift", nothing(words), drift)
    span = f"{minute(told['from'], look)} to {minute(told['to'], look)}"
    heading = nothing(f"Drawn from {count(told['decisions'])} decisions, made from {span}.")
    models = [html.Div(_model(each, at, look)) for at, each in enumerate(told["models"])]
    return filled("drift", [heading, *models], drift)


def _model(model: Document, at: int, look: Look) -> list[Any]:
    title = subtitle(f"{model['name']} v{model['version']} ({', '.join(model['variants'])})")
    features = sorted(model["features"], key=lambda each: -each["psi"])
    if not features:
        return [title, nothing(f"Nothing to compare: {model['why']}.")]
    return [
        title,
        dmc.Text(summary(features), size="sm", my=4),
        nothing(_compared(model, features)),
        dmc.Grid(
            [
                dmc.GridCol(_bars(model, features, at, look), span={"base": 12, "lg": 5}),
                dmc.GridCol(_table(model, features), span={"base": 12, "lg": 7}),
            ]
        ),
    ]


def _compared(model: Document, features: Sequence[Document]) -> str:
    chance = max(each["by_chance"] for each in features)
    rows = f"{count(model['rows'])} decisions against {count(model['training_rows'])} rows of the training."
    return f"{rows} With so few, an index up to {chance:.2g} may be chance alone."


def summary(features: Sequence[Document]) -> str:
    """features: the greatest index first."""
    moved = [each for each in features if each["band"] != "stable"]
    if not moved:
        return f"✓ All {len(features)} features lie where they lay in training."
    words = (f"{each['feature']} ({BANDS[each['band']]}, PSI {plain(each['psi'])})" for each in moved)
    return f"{len(moved)} of {len(features)} features have shifted: {', '.join(words)}."


def _bars(model: Document, features: Sequence[Document], at: int, look: Look) -> Any:
    hues = colours(look.dark)
    names = [each["feature"] for each in features]
    data = [_trace(band, features, hues) for band in BANDS]
    lines = [_line(MODERATE_FROM, "moderate", hues), _line(SIGNIFICANT_FROM, "significant", hues)]
    top = max(SIGNIFICANT_FROM * 1.3, features[0]["psi"] * 1.25)
    return plot(
        f"drift-{at}",
        f"Population stability index of each feature of {model['name']}, the greatest first",
        data,
        look.dark,
        AROUND_PX + BAR_PX * len(features),
        xaxis={"title": axis_title("population stability index"), "range": [0, top]},
        yaxis={"categoryorder": "array", "categoryarray": names[::-1]},
        barmode="overlay",
        showlegend=False,
        margin={"t": 22, "r": 8},
        shapes=lines,
    )


def _trace(band: str, features: Sequence[Document], hues: Colours) -> Document:
    of = [each for each in features if each["band"] == band]
    colour = {"stable": hues.approve, "moderate": hues.review, "significant": hues.decline}[band]
    return {
        "type": "bar",
        "orientation": "h",
        "name": BANDS[band],
        "x": [each["psi"] for each in of],
        "y": [each["feature"] for each in of],
        "text": [
            plain(each["psi"]) if band == "stable" else f"{plain(each['psi'])} {BANDS[band][0]}"
            for each in of
        ],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {"color": colour, "pattern": {"shape": PATTERNS[band]}},
        "hovertemplate": "%{y}: %{x:.4f}<extra></extra>",
    }


def _line(at: float, label: str, hues: Colours) -> Document:
    return {
        "type": "line",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": hues.goal, "width": 1, "dash": "longdash"},
        "label": {
            "text": label,
            "textposition": "end",
            "textangle": 0,
            "yanchor": "bottom",
            "font": {"size": 10, "color": hues.goal},
        },
    }


def _table(model: Document, features: Sequence[Document]) -> Any:
    rows = [
        (
            each["feature"],
            plain(each["psi"]),
            whole(BANDS[each["band"]]),
            whole(" → ".join(_value(each["feature"], each[name]) for name in ("median_then", "median_now"))),
        )
        for each in features
    ]
    head = ("Feature", "PSI", "Band", "Median then → now")
    return table(head, rows, "", f"Drift of the features of {model['name']}")


def _value(feature: str, value: float) -> str:
    if "amount" in feature:
        return money(value)
    return share(value) if "share" in feature else f"{value:g}"
