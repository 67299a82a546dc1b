"""What narrows and orders the queue, and views that a browser keeps. assets/reviews.js acts on it."""

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc
from dash.development.base_component import Component

from dashboard.reviewing.filters import CHOICES, LEAST, Filters

LABELS = {
    "sort": ("Order", ("Expected loss", "Oldest first")),
    "decision": ("Decision", ("Any", "Review", "Decline")),
    "held_by": ("Taken by", ("Whoever", "Nobody", "Me")),
    "escalated": ("Escalated", ("Either", "Only escalated", "Not escalated")),
    "snoozed": ("Snoozed", ("Awake", "Only snoozed")),
}
ANY = "any"  # a menu takes no empty value
LONGEST_NAME = 60
LATER = {"prevent_initial_call": True}


def filter_bar(filters: Filters) -> Component:
    menus = [_menu(name, filters) for name in CHOICES]
    least = dmc.NumberInput(
        id="reviews-min_amount_minor",
        label="Least amount",
        value=int(filters.words.get(LEAST, "0")) / 100,
        min=0,
        decimalScale=2,
        debounce=600,
        thousandSeparator=",",
        w=110,
        size="xs",
    )
    return dmc.Group([*menus, least], gap="xs", align="flex-end")


def _menu(name: str, filters: Filters) -> Component:
    label, words = LABELS[name]
    first = CHOICES[name][0]
    return dmc.Select(
        id=f"reviews-{name}",
        label=label,
        data=[
            {"value": value or ANY, "label": word} for value, word in zip(CHOICES[name], words, strict=True)
        ],
        value=filters.words.get(name, first) or ANY,
        allowDeselect=False,
        w=140,
        size="xs",
    )


def saved_views() -> Component:
    """Kept by the browser: no one else sees them."""
    return dmc.Group(
        [
            dcc.Store(id="reviews-views", storage_type="local"),
            dmc.Select(
                id="reviews-view",
                label="Saved views (this browser)",
                placeholder="Choose one",
                data=[],
                clearable=False,
                nothingFoundMessage="None yet: name one beside this.",
                w=190,
                size="xs",
            ),
            dmc.TextInput(
                id="reviews-view-name",
                label="Name for this view",
                inputProps={"maxLength": LONGEST_NAME},
                w=150,
                size="xs",
            ),
            dmc.Button("Save view", id="reviews-view-save", variant="default", size="xs"),
            dmc.Button("Forget view", id="reviews-view-forget", variant="default", size="xs"),
        ],
        gap="xs",
        align="flex-end",
    )


def add_filter_scripts(app: Dash) -> None:
    url = Output("url", "search", allow_duplicate=True)
    here = State("url", "search")
    filters = [Input(f"reviews-{name}", "value") for name in (*CHOICES, LEAST)]
    views: Any = Output("reviews-views", "data", allow_duplicate=True)
    name, kept = Output("reviews-view-name", "value"), State("reviews-views", "data")
    for function, outputs, inputs in (
        ("filter", url, [*filters, here]),
        ("list", [Output("reviews-view", "data"), Output("reviews-view", "value")], [_kept_views(), here]),
        ("pick", url, [Input("reviews-view", "value"), State("reviews-views", "data"), here]),
        ("save", [views, name], [_clicks("view-save"), State("reviews-view-name", "value"), kept, here]),
        ("forget", views, [_clicks("view-forget"), State("reviews-view", "value"), kept]),
    ):
        app.clientside_callback(ClientsideFunction("reviews", function), outputs, *inputs, **LATER)


def _kept_views() -> Input:
    return Input("reviews-views", "data")


def _clicks(name: str) -> Input:
    return Input(f"reviews-{name}", "n_clicks")
