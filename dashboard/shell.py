"""What stands around every page: menu, time, state of the news, who is signed in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.page import Page, Updates
from dashboard.view import RANGES, View
from models.errors import FraudError

TICK_MS = 1000


def shell(pages: Mapping[str, Page]) -> Component:
    """Of every address; what it holds comes by callbacks."""
    return dmc.MantineProvider(
        id="provider",
        forceColorScheme="light",
        theme={"fontFamily": "system-ui, sans-serif", "primaryColor": "blue", "autoContrast": True},
        children=[
            *_state(),
            dmc.NotificationContainer(id="notices", position="bottom-right"),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(_header()),
                    dmc.AppShellNavbar(_menu(pages), **{"aria-label": "Pages"}),
                    dmc.AppShellMain(
                        [_unanswered(), html.Div(id="banner", role="status"), html.Div(id="page")]
                    ),
                ],
                id="frame",
                header={"height": {"base": 104, "sm": 56}},
                navbar={"width": 190, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding={"base": "sm", "sm": "md"},
            ),
        ],
    )


def _state() -> list[Component]:
    """What pages and scripts know of each other.

    view: what is shown. drawn: of what the page is drawn. ask: counts what the browser asks by itself.
    heard: when news came last. ended: the session is over.
    """
    return [
        dcc.Location(id="url", refresh="callback-nav"),
        dcc.Store(id="theme", storage_type="local"),
        dcc.Store(id="dark"),
        dcc.Store(id="view"),
        dcc.Store(id="drawn"),
        dcc.Store(id="ask", data=0),
        dcc.Store(id="heard"),
        dcc.Store(id="ended", data=False),
        dcc.Interval(id="tick", interval=TICK_MS),
    ]


def _unanswered() -> Component:
    """Shown by the browser itself, once it hears nothing at all."""
    words = "What stands here was heard before that; this page tries again by itself."
    alert = dmc.Alert(words, title="The monitor does not answer", color="orange", variant="light", mb="md")
    return html.Div(alert, className="unanswered", role="status")


def _header() -> Component:
    return dmc.Group(
        [
            dmc.Group(
                [
                    dmc.Burger(id="burger", hiddenFrom="sm", size="sm", **{"aria-label": "Menu"}),
                    dmc.Text("Fraud monitor", fw=700),
                    html.Div(id="news", role="status", className="news"),
                ],
                gap="sm",
                wrap="nowrap",
            ),
            dmc.Group(_controls(), gap="xs", wrap="nowrap", className="controls"),
        ],
        justify="space-between",
        h="100%",
        px="md",
        gap=4,
    )


def _controls() -> list[Component]:
    return [
        dmc.Select(
            id="range",
            data=[{"value": name, "label": f"Last {name}"} for name in RANGES],
            value="1h",
            w=120,
            size="xs",
            allowDeselect=False,
            **{"aria-label": "Time range"},
        ),
        dmc.Button("Pause", id="pause", variant="default", size="xs", w=92),
        dmc.Button("UTC", id="zone", variant="default", size="xs", w=70),
        dmc.Button("Dark", id="scheme", variant="default", size="xs", w=70),
        html.Form(
            html.Button("Sign out", type="submit", id="sign-out", className="plain"),
            action="/sign-out",
            method="POST",
        ),
    ]


def _menu(pages: Mapping[str, Page]) -> Component:
    links = [
        dmc.NavLink(
            id={"menu": path}, label=page.title, href=path, active="exact" if path == "/" else "partial"
        )
        for path, page in pages.items()
    ]
    return dmc.Stack([*links, dmc.Text(id="who", size="xs", c="dimmed", px="sm")], gap=2, p="xs", h="100%")


def heard(at: datetime, view: View) -> Updates:
    """There is news."""
    zone = view.timezone()
    told = f"{at.astimezone(zone):%H:%M:%S} {'UTC' if zone is UTC else 'local'}"
    word = "Paused" if view.is_fixed else "Live"
    return {
        ("news", "children"): f"{word} · {told}",
        ("news", "data-state"): "fixed" if view.is_fixed else "live",
        ("heard", "data"): int(at.timestamp() * 1000),
        ("banner", "children"): None,
        ("page", "className"): "",
    }


def silent(error: FraudError) -> Updates:
    """There is none: what is shown is what was heard last."""
    return {("banner", "children"): told(error), ("page", "className"): "stale"}


def told(error: FraudError) -> Component:
    """Why something cannot be shown, and what to do."""
    words: list[Any] = [error.why] if error.why else []
    if error.retry:
        words.append("What stands here was heard before that; this page tries again by itself.")
    elif error.next_step:
        words.append(f"Next: {error.next_step}.")
    return dmc.Alert(
        " ".join(f"{each.rstrip('.')}." for each in words),
        title=f"{error.what[:1].upper()}{error.what[1:]}",
        color="orange" if error.retry else "red",
        mb="md",
        variant="light",
    )
