"""What pages are made of: tiles with one figure, cards with a chart or a table."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import dash_mantine_components as dmc
import plotly.graph_objects as go
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.themes import template
from dashboard.wording import NOTHING

Tone = Literal["plain", "good", "bad"]
# What a tile says beside its figure: never by colour alone.
SIGNS: dict[Tone, str] = {"plain": "", "good": "✓ ", "bad": "▲ "}
TONES: dict[Tone, str] = {"plain": "dimmed", "good": "teal", "bad": "orange"}
CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True}
CHART_PX = 220


class Tile(NamedTuple):
    """One figure, by the name of its component."""

    name: str
    label: str


def tiles(of: Sequence[Tile]) -> Component:
    return dmc.SimpleGrid([_tile(each) for each in of], cols={"base": 2, "md": 3, "xl": 6}, spacing="sm")


def _tile(of: Tile) -> Component:
    return dmc.Paper(
        [
            dmc.Text(of.label, size="xs", c="dimmed"),
            dmc.Text(NOTHING, id=f"tile-{of.name}", fw=700, fz=22, className="figure"),
            dmc.Text("", id=f"tile-{of.name}-note", size="xs", mih=18),
        ],
        p="sm",
        withBorder=True,
        radius="md",
    )


def on_tile(name: str, figure: str, note: str = "", tone: Tone = "plain") -> dict[tuple[str, str], Any]:
    """What a tile says."""
    return {
        (f"tile-{name}", "children"): figure,
        (f"tile-{name}-note", "children"): f"{SIGNS[tone]}{note}",
        (f"tile-{name}-note", "c"): TONES[tone],
    }


def card(title: str, *content: Any, note: str = "") -> Component:
    return dmc.Paper(
        [
            dmc.Title(title, order=2, size="h5", mb=2),
            *([dmc.Text(note, size="xs", c="dimmed", mb="xs")] if note else []),
            *content,
        ],
        p="sm",
        withBorder=True,
        radius="md",
    )


def chart(name: str, traces: Iterable[Any], dark: bool, **layout: Any) -> Component:
    """An empty figure, whose traces come by patches."""
    figure = go.Figure(list(traces), {"template": template(dark), **layout})
    return dcc.Graph(id=name, figure=figure, config=CONFIG, style={"height": CHART_PX})


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], empty: str, caption: str = "") -> Component:
    """empty: what is said where there is no row."""
    body = [dmc.TableTr([dmc.TableTd(cell) for cell in row]) for row in rows]
    if not body:
        return dmc.Text(empty, size="sm", c="dimmed")
    columns = dmc.TableTr([dmc.TableTh(each) for each in head])
    # A region of its own, which a keyboard can scroll where the page is narrow.
    named = {"aria-label": caption or ", ".join(head)}
    return html.Div(
        dmc.Table([dmc.TableThead(columns), dmc.TableTbody(body)], fz="sm", verticalSpacing=4),
        className="scrolls",
        tabIndex=0,
        role="region",
        **named,
    )


def heading(title: str) -> Component:
    return dmc.Title(title, order=1, size="h3", mb="sm")
