"""Calibration: of what was predicted, how much came true."""

import math
from collections.abc import Sequence
from typing import Any

from dashboard.model_cards.cuts import LOWEST, Cut, lines
from dashboard.model_cards.framing import (
    CURVE_PX,
    Document,
    Look,
    as_table,
    axis_title,
    named_trace,
    nothing,
    plot,
    style_of,
    subtitle,
)
from dashboard.themes import colours
from dashboard.wording import count, share


def calibration(variants: Sequence[Document], cuts: Sequence[Cut], look: Look) -> list[Any]:
    floor = _floor([part for each in variants for part in _bins(each)])
    ends = [math.log10(floor), 0]
    data = [_diagonal(floor, look), *(_bins_trace(each, at, floor, look) for at, each in enumerate(variants))]
    axis = {"type": "log", "range": ends, "tickformat": "~g", "dtick": 1, "ticklabelstandoff": 6}
    drawn = plot(
        "calibration",
        "Share of frauds over predicted probability, with 95 % intervals, for each variant",
        data,
        look.dark,
        CURVE_PX,
        xaxis={**axis, "title": axis_title("predicted")},
        yaxis={**axis, "title": axis_title("observed")},
        shapes=lines(cuts, look),
    )
    rows = [
        (each["name"], _share(part["predicted"]), _share(part["observed"]),
         f"{_share(part['low'])} to {_share(part['high'])}", count(part["count"]))
        for each in variants
        for part in _bins(each)
    ]  # fmt: skip
    head = ("Variant", "Predicted", "Observed", "95 % interval", "Decisions")
    words = "Ten parts of equal size, and the highest 2 %; the diagonal: as predicted. Axes are logarithmic: "
    return [
        subtitle("Calibration"),
        drawn,
        nothing(words, "where no fraud was observed the point lies at the lower edge."),
        as_table(head, rows, "Calibration of each variant"),
    ]


def _share(value: float) -> str:
    return f"{value:.3%}" if value < 0.01 else share(value)


def _bins(variant: Document) -> list[Document]:
    return [*variant["calibration"]["bins"], variant["calibration"]["top"]]


def _floor(parts: Sequence[Document]) -> float:
    """Below all that is drawn: a power of ten."""
    seen = [part[name] for part in parts for name in ("predicted", "observed", "high") if part[name] > 0]
    return max(LOWEST, 10.0 ** math.floor(math.log10(min(seen, default=0.01))))


def _bins_trace(variant: Document, at: int, floor: float, look: Look) -> Document:
    parts, style = sorted(_bins(variant), key=lambda part: part["predicted"]), style_of(at, look.dark)
    shown = [max(floor, part["observed"]) for part in parts]
    lows = [max(floor, part["low"]) for part in parts]
    return {
        **named_trace(variant, at, look),
        "mode": "lines+markers",
        "x": [max(floor, part["predicted"]) for part in parts],
        "y": shown,
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [part["high"] - y for part, y in zip(parts, shown, strict=True)],
            "arrayminus": [max(0.0, y - low) for y, low in zip(shown, lows, strict=True)],
            "color": style.colour,
            "thickness": 1.5,
        },
        "customdata": [[part["observed"], part["count"]] for part in parts],
        "hovertemplate": "predicted %{x:.4f}, observed %{customdata[0]:.4f} of %{customdata[1]:,}",
    }


def _diagonal(floor: float, look: Look) -> Document:
    """Where all is as predicted."""
    return {
        "type": "scatter",
        "mode": "lines",
        "showlegend": False,
        "x": [floor, 1],
        "y": [floor, 1],
        "line": {"color": colours(look.dark).goal, "width": 1, "dash": "longdash"},
        "hoverinfo": "skip",
    }
