"""Colours with a meaning, and what figures look like on a light and on a dark page.

Each colour has at least 3:1 against its page; where two could be mistaken a pattern or a dash tells them
apart as well.
"""

from typing import NamedTuple

import plotly.graph_objects as go

FONT = "system-ui, sans-serif"


class Colours(NamedTuple):
    """approve, review, decline: by what was decided. accent: what has no such meaning. goal: limits."""

    page: str
    text: str
    grid: str
    approve: str
    review: str
    decline: str
    accent: str
    second: str
    goal: str


LIGHT = Colours(
    page="#ffffff",
    text="#343a40",
    grid="#e3e6ea",
    approve="#2b7a78",
    review="#b35c00",
    decline="#b3261e",
    accent="#1c5fbf",
    second="#7048a8",
    goal="#6b7280",
)
DARK = Colours(
    page="#242424",
    text="#d5d9df",
    grid="#363b44",
    approve="#5fc2b8",
    review="#f2a24a",
    decline="#ff8a80",
    accent="#7fb2ff",
    second="#c6a6ff",
    goal="#9aa3af",
)


def colours(dark: bool) -> Colours:
    return DARK if dark else LIGHT


def template(dark: bool) -> go.layout.Template:
    """Of every figure: it lies on its card, and keeps its zoom when data come."""
    look = colours(dark)
    axis = {
        "gridcolor": look.grid,
        "linecolor": look.grid,
        "zeroline": False,
        "automargin": True,
        "title": {"font": {"size": 12}},
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": look.page,
            "plot_bgcolor": look.page,
            "font": {"family": FONT, "size": 12, "color": look.text},
            "colorway": [look.accent, look.second, look.review, look.approve, look.decline],
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "xaxis": axis,
            "yaxis": {**axis, "rangemode": "tozero"},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": look.page, "font": {"color": look.text}},
            "uirevision": "kept",
            "bargap": 0.1,
        }
    )
