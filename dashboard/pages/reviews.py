"""Reviews: a queue, and a case at a time. The address says which."""

from collections.abc import Callable
from typing import Any

from dash import Dash
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.page import Page, Updates
from dashboard.pages import case, queue
from dashboard.reviewing.acting import add_acting
from dashboard.reviewing.bulk import add_bulk
from dashboard.reviewing.filter_bar import add_filter_scripts
from dashboard.reviewing.keys import add_key_scripts
from dashboard.sessions import Session
from dashboard.view import View


def layout(view: View, session: Session) -> Component:
    return (case if view.rest else queue).layout(view, session)


async def ask(asking: Asking, view: View) -> Any:
    return await (case if view.rest else queue).ask(asking, view)


def show(told: Any, view: View) -> Updates:
    return (case if view.rest else queue).show(told, view)


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    add_filter_scripts(app)
    add_key_scripts(app)
    add_bulk(app, asking)
    add_acting(app, asking, case.redraw)


REVIEWS = Page("Reviews", layout, ask, show, act)
