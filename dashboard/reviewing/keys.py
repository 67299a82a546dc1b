"""Keys, and the sheet that lists them. assets/reviews.js hears them and clicks the buttons they stand for."""

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output
from dash.development.base_component import Component

from dashboard.reviewing.dialogs import add_dialog, dialog

KEYS = (
    ("j  k  or  ↓  ↑", "move in the queue"),
    ("Enter", "open the case"),
    ("Space", "select the case, in the queue"),
    ("/", "go to the filters"),
    ("t", "take the case, or take it for longer"),
    ("r", "release it"),
    ("a", "approve: genuine"),
    ("f", "confirm fraud"),
    ("e", "escalate"),
    ("s", "snooze"),
    ("u", "undo your verdict"),
    ("n", "next case"),
    ("Esc", "back to the queue"),
    ("?", "this sheet"),
)


def keys_sheet() -> Component:
    rows = [dmc.TableTr([dmc.TableTd(dmc.Kbd(key)), dmc.TableTd(does)]) for key, does in KEYS]
    head = dmc.TableThead(dmc.TableTr([dmc.TableTh("Key"), dmc.TableTh("Does")]))
    # Who speaks to the computer must be able to turn single keys off (WCAG 2.1.4).
    switch = dmc.Switch(
        id="reviews-keys-on",
        label="Keys are on",
        description="Kept in this browser",
        checked=True,
        persistence=True,
        mb="sm",
    )
    return dialog(
        "reviews-keys-sheet",
        "Keys",
        switch,
        dmc.Table([head, dmc.TableTbody(rows)], fz="sm"),
        dmc.Text("Keys do nothing while you type, and none with Ctrl, Alt or ⌘.", size="sm", mt="sm"),
        # The switch says what holds before the sheet is opened.
        keepMounted=True,
    )


def add_key_scripts(app: Dash) -> None:
    add_dialog(app, "reviews-keys-sheet", "reviews-keys")
    app.clientside_callback(
        ClientsideFunction("reviews", "hear"),
        Output("reviews-keys-on", "label"),
        Input("reviews-keys-on", "checked"),
    )
