"""Dialogs: what somebody does, why, and what came of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, html, no_update, set_props
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.grids import chosen_row
from dashboard.page import Updates
from models.errors import BadSetting, FraudError, GatewayUnavailable

LONGEST_WHY = 500
SHOWN_MS = 10_000

NOBODY: Updates = {}


class Done(NamedTuple):
    """words: of what came of it. updates: what else changes on the page."""

    words: str
    updates: Updates = NOBODY


class Dialog(NamedTuple):
    """name: ids begin with it. fields: of the form, by the id of each and its value at first. of: the grid in
    which a row must have been chosen before. do: given who asks, that row, where there is one, the values of
    the fields, and what is known `also`.
    """

    name: str
    fields: Mapping[str, Any]
    do: Callable[..., Awaitable[Done]]
    of: str | None = None
    also: Sequence[State] = ()

    @property
    def opens(self) -> str:
        return f"{self.name}-open"


def dialog(
    name: str, title: str, words: str, fields: Sequence[Component], button: str, colour: str = "blue"
) -> Component:
    buttons = [
        dmc.Button(button, id=f"{name}-do", color=colour),
        dmc.Button("Cancel", id=f"{name}-cancel", variant="default"),
    ]
    return window(
        f"{name}-dialog",
        title,
        dmc.Text(words, size="sm", mb="xs"),
        dmc.Text("", id=f"{name}-about", size="sm", fw=600),
        dmc.Stack(fields, gap="xs", my="sm"),
        html.Div(id=f"{name}-refused", role="alert"),
        dmc.Group(buttons, gap="xs"),
    )


def window(name: str, title: str, *content: Component, **how: Any) -> Component:
    """Over the page, but within its main part: elsewhere its head would be a second banner."""
    return dmc.Modal(
        html.Div(content),
        id=name,
        title=title,
        closeButtonProps={"aria-label": "Close"},
        withinPortal=False,
        centered=True,
        **how,
    )


def opener(name: str, words: str, **how: Any) -> Component:
    return dmc.Button(words, id=f"{name}-open", size="xs", variant="default", **how)


def why_field(name: str) -> Component:
    return dmc.TextInput(
        id=name,
        label="Why",
        description="Stands in the audit log",
        required=True,
        value="",
        inputProps={"maxLength": LONGEST_WHY},
    )


def why_in(text: Any) -> str:
    """
    Raises:
        BadSetting: nothing is said.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadSetting("a reason is wanted", next_step="say why, in a few words")
    return text.strip()


def refusal(error: FraudError) -> Component:
    """Why something was not done."""
    return _alert(
        f"▲ Not done: {error.what}", error.why, f"Next: {error.next_step}" if error.next_step else ""
    )


def failure(error: FraudError) -> Component:
    """Why what was asked for was not done, or may not have been."""
    if not isinstance(error, GatewayUnavailable):
        return refusal(error)
    step = "Next: look at what stands there before you try again"
    return _alert(f"▲ Nobody knows whether it is done: {error.what}", error.why, step)


def _alert(title: str, *words: str) -> Component:
    said = " ".join(f"{each.rstrip('.')}." for each in words if each)
    return dmc.Alert(said, title=title, color="red", variant="light", mb="sm")


def notice(words: str, name: str, title: str = "Done") -> list[dict[str, Any]]:
    """name: no two that are shown at once have the same."""
    said = {"action": "show", "id": name, "title": f"✓ {title}", "message": words}
    close = {"closeButtonProps": {"aria-label": "Close"}}
    return [{**said, **close, "color": "teal", "autoClose": SHOWN_MS}]


def add_dialog(
    app: Dash, asking: Callable[[], Asking], of: Dialog, about: Callable[[Any], str] = lambda row: ""
) -> None:
    """about: what is said of the row that it is about."""
    _add_opening(app, of, about)
    _add_doing(app, asking, of)


def _add_opening(app: Dash, of: Dialog, about: Callable[[Any], str]) -> None:
    rows = [State(of.of, "selectedRows")] if of.of else []
    fields = [Output(field, "value", allow_duplicate=True) for field in of.fields]

    @app.callback(
        Output(f"{of.name}-dialog", "opened", allow_duplicate=True),
        Output(f"{of.name}-refused", "children", allow_duplicate=True),
        Output(f"{of.name}-about", "children"),
        *fields,
        Input(of.opens, "n_clicks"),
        *rows,
        prevent_initial_call=True,
    )
    def open_it(clicks: Any, rows: Any = None) -> Any:
        row = chosen_row(rows)
        if not clicks or (of.of and row is None):
            return [no_update] * (3 + len(fields))
        return [True, None, about(row), *of.fields.values()]

    @app.callback(
        Output(f"{of.name}-dialog", "opened", allow_duplicate=True),
        Input(f"{of.name}-cancel", "n_clicks"),
        prevent_initial_call=True,
    )
    def cancel(clicks: Any) -> Any:
        return False if clicks else no_update

    if of.of:

        @app.callback(Output(of.opens, "disabled"), Input(of.of, "selectedRows"), prevent_initial_call=True)
        def allow(rows: Any) -> bool:
            return chosen_row(rows) is None


def _add_doing(app: Dash, asking: Callable[[], Asking], of: Dialog) -> None:
    rows = [State(of.of, "selectedRows")] if of.of else []

    @app.callback(
        Output(f"{of.name}-dialog", "opened", allow_duplicate=True),
        Output(f"{of.name}-refused", "children", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input(f"{of.name}-do", "n_clicks"),
        *rows,
        *[State(field, "value") for field in of.fields],
        *of.also,
        running=[(Output(f"{of.name}-do", "loading"), True, False)],
        prevent_initial_call=True,
    )
    async def do_it(clicks: Any, *values: Any) -> Any:
        if not clicks:
            return no_update, no_update, no_update
        own = asking()
        try:
            done = await of.do(own, *([_row_in(values[0]), *values[1:]] if of.of else values))
        except FraudError as error:
            return no_update, failure(error), no_update
        for (component, name), value in done.updates.items():
            set_props(component, {name: value})
        for field, first in of.fields.items():
            set_props(field, {"value": first})
        return False, None, notice(done.words, f"{of.name}-{own.now().timestamp()}")


def _row_in(rows: Any) -> Mapping[str, Any]:
    row = chosen_row(rows)
    if row is None:
        raise BadSetting("no row is chosen", next_step="choose one in the table")
    return row
