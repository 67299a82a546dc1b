"""Dialogs of reviews: opened and closed in the browser, so that a key answers at once."""

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output
from dash.development.base_component import Component

from dashboard.dialogs import window


def dialog(name: str, title: str, *content: Any, acts: Component | None = None, **how: Any) -> Component:
    """acts: the button that does it."""
    shut = dmc.Button("Cancel" if acts else "Close", id=f"{name}-shut", variant="default")
    buttons = dmc.Group([*([acts] if acts else []), shut], gap="xs", mt="sm")
    return window(name, title, *content, buttons, opened=False, **how)


def add_dialog(app: Dash, name: str, opener: str) -> None:
    """opener: the button that opens it."""
    app.clientside_callback(
        ClientsideFunction("reviews", "dialog"),
        Output(name, "opened"),
        Input(opener, "n_clicks"),
        Input(f"{name}-shut", "n_clicks"),
        prevent_initial_call=True,
    )
