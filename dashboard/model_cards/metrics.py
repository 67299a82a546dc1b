"""What the variants have done, by labels that are old enough, and whether they can be told apart."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.cards import table
from dashboard.model_cards.figures import FIGURES, Figure, interval, signed, signed_interval
from dashboard.model_cards.framing import (
    DRAWN,
    Document,
    Look,
    filled,
    minute,
    nothing,
    plot,
    style_of,
    with_small,
)
from dashboard.model_cards.hearing import Heard
from dashboard.model_cards.no_labels import no_labels
from dashboard.model_cards.questions import lacks_labels
from dashboard.page import Updates
from dashboard.wording import NOTHING, count

PANEL_PX, ROW_PX = 44, 24
COUNTS = {"customers": "Customers", "transactions": "Transactions", "frauds": "Frauds"}
# Sums grow with the share of a variant, and approved is the rest.
NOT_DRAWN = ("fraud_caught_minor", "fraud_missed_minor", "approval_rate")
DRAWN_FIGURES = tuple(name for name in FIGURES if name not in NOT_DRAWN)


@lru_cache(DRAWN)
def show_metrics(quality: Heard, first: Heard, newest: Heard, look: Look) -> Updates:
    told = quality.document
    if told is None:
        return filled("metrics", None, quality)
    if lacks_labels(quality):
        return filled("metrics", no_labels(told, first, newest, look), quality, first)
    content = [
        dmc.Text(verdict(told), fw=600, size="sm", my=4),
        dmc.Text(_sample_ratio(told), size="sm", my=4),
        nothing(_measured(told, currency_in(newest), look)),
        dmc.Grid(
            [
                dmc.GridCol(_table(told), span={"base": 12, "lg": 7}),
                dmc.GridCol(_dots(told, look), span={"base": 12, "lg": 5}),
            ]
        ),
    ]
    return filled("metrics", content, quality)


def verdict(told: Document) -> str:
    """Whether the variants differ, in words."""
    missing = told["without_labels"]
    if len(told["variants"]) < 2:
        only = told["variants"][0]["name"]
        rest = f"; {', '.join(missing)} has none yet" if missing else ""
        return f"Only {only} has labels that are old enough{rest}: there is nothing to compare."
    if not told["sample_ratio_ok"]:
        return "▲ Do not compare: customers were not dealt as the split says. Find out why first."
    apart = [each for each in told["differences"] if each["told_apart"]]
    if not apart:
        return "The data cannot tell the variants apart: the interval of every difference holds 0."
    return f"They differ: {'; '.join(map(_differs, apart))}. Nothing else can be told apart."


def _differs(each: Document) -> str:
    figure = FIGURES[each["figure"]]
    by = signed_interval(each["difference"], figure.text)
    return f"{figure.label} of {each['second']} is {by} from that of {each['first']}"


def _sample_ratio(told: Document) -> str:
    sizes = ", ".join(f"{each['name']} {count(each['customers'])}" for each in told["variants"])
    p = told["sample_ratio_p"]
    if len(told["variants"]) < 2:
        return f"Sample ratio: nothing to check with one variant. Customers: {sizes}."
    if told["sample_ratio_ok"]:
        return f"✓ Sample ratio: customers ({sizes}) are as many as the split says (p = {p:.2g})."
    return f"▲ Sample ratio: customers ({sizes}) are not as many as the split says (p = {p:.2g})."


def _measured(told: Document, currency: str, look: Look) -> str:
    span = f"{minute(told['from'], look)} to {minute(told['to'], look)}"
    amounts = f" Amounts in {currency}." if currency else ""
    cut = " There were more labels than are read: only the newest count." if told["truncated"] else ""
    return (
        f"{count(told['labelled'])} labelled decisions of split {told['ab_version']}, event times {span}. "
        f"Intervals hold with 95 % confidence; those of differences all together.{amounts}{cut}"
    )


def _table(told: Document) -> Any:
    variants, differences = told["variants"], told["differences"]
    others = list(dict.fromkeys(each["second"] for each in differences))
    first = variants[0]["name"]
    head = ("Figure", *(each["name"] for each in variants), *(f"{other} less {first}" for other in others))
    rows = [
        (label, *(count(each[name]) for each in variants), *("" for _ in others))
        for name, label in COUNTS.items()
    ]
    for name, figure in FIGURES.items():
        found = {each["second"]: each for each in differences if each["figure"] == name}
        values = (_value(each[name], figure) for each in variants)
        rows.append((figure.label, *values, *(_difference(found.get(other), name) for other in others)))
    return html.Div(table(head, rows, "", "Matured metrics of each variant"), className="figures")


def _value(found: Document | None, figure: Figure) -> Component | str:
    if found is None:
        return NOTHING
    return with_small(
        figure.text(found["value"]), f"{figure.text(found['low'])} to {figure.text(found['high'])}"
    )


def _difference(found: Document | None, name: str) -> Component | str:
    if found is None:
        return ""
    of, text = found["difference"], FIGURES[name].text
    words = "▲ told apart" if found["told_apart"] else "not told apart"
    ends = f"{signed(of['low'], text)} to {signed(of['high'], text)}"
    return with_small(signed(of["value"], text), ends, words)


def _dots(told: Document, look: Look) -> Any:
    """A panel for each figure, as each has a scale of its own."""
    variants = told["variants"]
    names = [name for name in DRAWN_FIGURES if any(each[name] for each in variants)]
    data, layout = [], dict[str, Any]({"showlegend": False, "annotations": [], "margin": {"t": 22, "r": 16}})
    height_px = len(names) * (PANEL_PX + ROW_PX * len(variants))
    for place, name in enumerate(names):
        number = "" if place == 0 else str(place + 1)
        top = 1 - place / len(names)
        layout[f"yaxis{number}"] = _rows_axis(variants, top, len(names))
        layout[f"xaxis{number}"] = _values_axis(name, number)
        layout["annotations"].append(_panel_title(FIGURES[name].label, top))
        data += [_dot(each, name, at, number, look) for at, each in enumerate(variants) if each[name]]
    says = f"A dot and a 95 % interval for each variant: {', '.join(FIGURES[name].label for name in names)}"
    return plot("metrics-dots", says, data, look.dark, height_px, **layout)


def _rows_axis(variants: Sequence[Document], top: float, panels: int) -> Document:
    return {
        "domain": [top - 0.5 / panels, top - 0.06 / panels],
        "range": [len(variants) - 0.5, -0.5],
        "tickvals": list(range(len(variants))),
        "ticktext": [each["name"] for each in variants],
        "showgrid": False,
        "fixedrange": True,
    }


def _values_axis(name: str, number: str) -> Document:
    style = ",.2%" if name.endswith("_rate") else ",~f"
    return {"anchor": f"y{number}", "tickformat": style, "nticks": 5, "fixedrange": True}


def _panel_title(label: str, top: float) -> Document:
    return {
        "text": f"<b>{label}</b>",
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }


def _dot(variant: Document, name: str, at: int, number: str, look: Look) -> Document:
    found, style = variant[name], style_of(at, look.dark)
    part = 100 if name.endswith("_minor") else 1
    value, low, high = (found[end] / part for end in ("value", "low", "high"))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": variant["name"],
        "x": [value],
        "y": [at],
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "marker": {"color": style.colour, "symbol": style.marker, "size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value],
            "arrayminus": [value - low],
            "color": style.colour,
            "thickness": 2,
        },
        "hovertemplate": f"{variant['name']}: {interval(found, FIGURES[name].text)}<extra></extra>",
    }


def currency_in(newest: Heard) -> str:
    """Of the deployment; empty while nothing was decided."""
    items = (newest.document or {}).get("items") or []
    return str(items[0].get("currency", "")) if items else ""
