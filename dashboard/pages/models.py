"""Models: what decides, how good it is by its labels, and what other thresholds would have done."""

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import heading
from dashboard.dialogs import opener
from dashboard.model_cards.acting import add_dialogs, dialog
from dashboard.model_cards.curves import show_curves
from dashboard.model_cards.drift import show_drift
from dashboard.model_cards.forms import ACTIVATE, FORMS, PROMOTE, ROLLBACK, SHARES, Form
from dashboard.model_cards.framing import Look, framed
from dashboard.model_cards.in_force import show_changes, show_in_force
from dashboard.model_cards.metrics import show_metrics
from dashboard.model_cards.questions import Thresholds, Told, ask, thresholds_in
from dashboard.model_cards.versions import show_versions
from dashboard.model_cards.what_if import controls, show_what_if, standing
from dashboard.page import Page, Updates
from dashboard.sessions import Session
from dashboard.view import View

ADMIN = "models:admin"
TIME = (
    "By labels that are a week old, of the four weeks before, whatever range is chosen above; "
    "from and to in the address choose other event times."
)


def layout(view: View, session: Session) -> Component:
    """
    Raises:
        BadSetting: the address names thresholds that cannot be.
    """
    is_admin = session.may(ADMIN)
    cards = [
        dmc.SimpleGrid(
            [
                framed("in-force", "In force", *_openers(is_admin, SHARES, ACTIVATE)),
                framed("changes", "Last changes"),
            ],
            cols={"base": 1, "lg": 2},
            spacing="sm",
        ),
        framed("versions", "Versions", *_openers(is_admin, PROMOTE, ROLLBACK)),
        framed("metrics", "Matured metrics by variant", note=TIME),
        framed("curves", "Curves by variant"),
        framed("what-if", "What if the thresholds were others", controls(thresholds_in(view))),
        framed(
            "drift",
            "Drift of features",
            note="Recent decisions against the rows that each model was trained on.",
        ),
    ]
    dialogs = [dialog(each) for each in FORMS] if is_admin else []
    return html.Div([heading("Models"), dmc.Stack(cards, gap="sm"), *dialogs])


def _openers(is_admin: bool, *forms: Form) -> list[Component]:
    return (
        [dmc.Group([opener(f"models-{each.kind}", f"{each.title} …") for each in forms], gap="xs", my="xs")]
        if is_admin
        else []
    )


def show(told: Told, view: View) -> Updates:
    look = Look(view.dark, view.timezone())
    return {
        **show_in_force(told.in_force, told.split, told.policy, look),
        **show_changes(told.audit, look),
        **show_versions(told.models, look),
        **show_metrics(told.quality, told.first, told.newest, look),
        **show_curves(told.quality, told.policy, look),
        **standing(told.asked),
        **show_what_if(told.what_if, told.newest, look),
        **show_drift(told.drift, look),
    }


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    _add_thresholds(app)
    add_dialogs(app, asking)


def _add_thresholds(app: Dash) -> None:
    """From sliders and numbers into the address, and back: assets/models.js."""
    places: list[Any] = [
        f"models-{name}-{kind}" for name in Thresholds._fields for kind in ("slider", "number")
    ]
    app.clientside_callback(
        ClientsideFunction("models", "thresholds"),
        [Output("url", "search", allow_duplicate=True), *(Output(place, "value") for place in places)],
        [Input(place, "value") for place in places],
        Input("models-standing", "data"),
        State("url", "search"),
        prevent_initial_call=True,
    )


MODELS = Page("Models", layout, ask, show, act, told_of=Thresholds._fields)
