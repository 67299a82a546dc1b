"""From an address to a page, and from what is chosen above it to an address."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update

from dashboard.page import Page
from dashboard.pages import page_at
from dashboard.sessions import ACTING
from dashboard.shell import told
from dashboard.view import View, view_of
from models.errors import FraudError


def add_routing(app: Dash, now: Callable[[], datetime]) -> None:
    """now: the wall clock."""
    _add_scripts(app)

    @app.callback(
        Output("page", "children"),
        Output("drawn", "data"),
        Output("ask", "data"),
        Output("who", "children"),
        Input("view", "data"),
        State("ask", "data"),
        State("drawn", "data"),
        prevent_initial_call=True,
    )
    async def open_page(document: Any, asked: Any, before: Any) -> Any:
        session = ACTING.get()
        try:
            view = view_of(document)
            view.span(now())
            page = page_at(view)
            drawn = drawn_of(view, page)
            content = no_update if drawn == before else page.layout(view, session)
        except FraudError as error:
            content, drawn = told(error), None
        return (
            content,
            drawn,
            (asked if isinstance(asked, int) else 0) + 1,
            f"{session.name} · {session.role}",
        )


def drawn_of(view: View, page: Page) -> str:
    """What a page is drawn of: the same for views that differ in what is told alone."""
    words = sorted((name, value) for name, value in view.query.items() if name not in page.told_of)
    return repr((view.page, view.rest, words, view.zone, view.dark))


def _add_scripts(app: Dash) -> None:
    """Those of assets/monitor.js: what a browser knows best is decided there."""
    url = Output("url", "search", allow_duplicate=True)
    ask = Output("ask", "data", allow_duplicate=True)
    news = Output("news", "children", allow_duplicate=True)
    state = Output("news", "data-state", allow_duplicate=True)
    chosen = [Input("range", "value"), Input("pause", "n_clicks"), Input("zone", "n_clicks")]
    here = [Input("url", "pathname"), Input("url", "search"), Input("dark", "data")]
    colours = [Output("dark", "data"), Output("provider", "forceColorScheme"), Output("scheme", "children")]
    controls = [Output("range", "value"), Output("pause", "children"), Output("zone", "children")]
    clock = [
        Input("tick", "n_intervals"),
        Input("ended", "data"),
        State("heard", "data"),
        State("ask", "data"),
    ]
    frame = [Input("burger", "opened"), State("frame", "navbar")]
    later = {"prevent_initial_call": True}
    for name, outputs, inputs, how in (
        ("colours", colours, [Input("theme", "data")], {}),
        ("flip", Output("theme", "data"), [Input("scheme", "n_clicks"), State("dark", "data")], later),
        ("view", Output("view", "data"), here, {}),
        ("controls", controls, [Input("view", "data")], later),
        ("choose", url, [*chosen, State("url", "search")], later),
        ("tick", [ask, news, state], clock, later),
        ("menu", Output("frame", "navbar"), frame, later),
        ("links", Output({"menu": ALL}, "href"), [Input("view", "data"), State({"menu": ALL}, "id")], later),
    ):
        app.clientside_callback(ClientsideFunction("monitor", name), outputs, *inputs, **how)
