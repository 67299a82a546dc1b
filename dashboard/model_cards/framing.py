"""What the cards of this page have in common: a place for content, for trouble, and how variants look."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cards import CONFIG, card, table
from dashboard.model_cards.hearing import Heard
from dashboard.page import Updates
from dashboard.themes import colours, template
from dashboard.wording import moment
from models.errors import FraudError

Document = Mapping[str, Any]
# What was drawn of an answer is drawn once, however many look at it and however often.
DRAWN = 64
CURVE_PX = 320
DASHES = ("solid", "dash", "dot", "dashdot")
# A figure has its card's ground.
ON_CARD = {"hovermode": "closest", "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
MARKERS = ("circle", "square", "diamond", "triangle-up")


class Look(NamedTuple):
    dark: bool
    zone: tzinfo


class Style(NamedTuple):
    """Of a variant, in every figure."""

    colour: str
    dash: str
    marker: str


def style_of(place: int, dark: bool) -> Style:
    """place: which of the variants it is, from 0 on."""
    look = colours(dark)
    hues = (look.accent, look.second, look.review, look.approve)
    return Style(hues[place % 4], DASHES[place % 4], MARKERS[place % 4])


def named_trace(variant: Document, at: int, look: Look) -> dict[str, Any]:
    """What a line of a variant looks like, without its points."""
    style = style_of(at, look.dark)
    return {
        "type": "scatter",
        "name": variant["name"],
        "line": {"color": style.colour, "dash": style.dash, "width": 2},
        "marker": {"color": style.colour, "symbol": style.marker, "size": 7},
    }


def framed(name: str, title: str, *above: Any, note: str = "") -> Component:
    """A card that waits for its content."""
    return card(
        title,
        *above,
        html.Div(id=f"models-{name}-state", role="status"),
        html.Div(id=f"models-{name}"),
        note=note,
    )


def filled(name: str, content: Any, *of: Heard) -> Updates:
    """content: None where nothing can be drawn yet; what stands there stays. of: what it is drawn of."""
    troubles = [each.trouble for each in of if each.trouble is not None]
    state: Any = [_trouble(error) for error in _distinct(troubles)]
    if content is None and not troubles:
        state = dmc.Text("Asking. This may take some seconds.", size="sm", c="dimmed")
    stale = bool(troubles) or content is None
    told: dict[tuple[str, str], Any] = {
        (f"models-{name}-state", "children"): state,
        (f"models-{name}", "className"): "outdated" if stale else "",
    }
    return told if content is None else {**told, (f"models-{name}", "children"): content}


def _distinct(troubles: Iterable[FraudError]) -> list[FraudError]:
    return list({str(each): each for each in troubles}.values())


def _trouble(error: FraudError) -> Component:
    words = [
        error.what,
        error.why,
        "This card asks again within a minute" if error.retry else error.next_step,
    ]
    return dmc.Alert(
        " ".join(f"{each[:1].upper()}{each[1:].rstrip('.')}." for each in words if each),
        title="This cannot be told at the moment",
        color="orange",
        variant="light",
        my="xs",
    )


def nothing(*words: Any) -> Component:
    """Where there is nothing to show: why, and what to do."""
    return dmc.Text(words, size="sm", c="dimmed", my="xs")


def plot(
    name: str, says: str, data: Sequence[Document], dark: bool, height_px: int, **layout: Any
) -> Component:
    """says: what it shows, for those who do not see it; figures stand in a table as well."""
    figure = {"data": [*data], "layout": {"template": _template(dark), **ON_CARD, **layout}}
    graph = dcc.Graph(id=f"models-{name}", figure=figure, config=CONFIG, style={"height": height_px})
    return html.Div(graph, role="img", **{"aria-label": says})


@lru_cache
def _template(dark: bool) -> Any:
    return template(dark).to_plotly_json()


def as_table(head: Sequence[str], rows: Iterable[Sequence[Any]], caption: str) -> Component:
    """What a figure shows, to be opened."""
    return folded("As a table", table(head, rows, "Nothing.", caption))


def folded(label: str, *content: Any) -> Component:
    return html.Details([html.Summary(label), *content], className="folded")


def whole(text: str) -> Component:
    """In one line, however narrow its column."""
    return html.Span(text, className="whole")


def at(text: str, look: Look) -> Component:
    """A moment, to the minute."""
    return whole(minute(text, look))


def minute(text: str, look: Look) -> str:
    return moment(text, look.zone)[: len("2026-01-31 12:00")]


def with_small(text: Any, *small: str) -> Component:
    """More about it in lines below."""
    return html.Div([text, *(html.Div(each, className="small") for each in small)])


def subtitle(text: str) -> Component:
    return dmc.Title(text, order=3, size="h6", mt="xs")


def axis_title(text: str) -> Document:
    return {"text": text, "font": {"size": 12}}
