"""Operations: faults, and what operators look at and do, part by part."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import dash_mantine_components as dmc
from dash import Dash, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import heading
from dashboard.fault_banner import fault_banner, on_fault_banner
from dashboard.page import Page, Updates
from dashboard.pages.audit import AUDIT
from dashboard.pages.keys import KEYS
from dashboard.pages.letters import LETTERS
from dashboard.pages.partitions import PARTITIONS
from dashboard.pages.people import PEOPLE
from dashboard.recent import recent_of
from dashboard.sessions import Session
from dashboard.shell import told as trouble
from dashboard.view import View
from models.errors import BadSetting, Forbidden, FraudError, GatewayProblem, Unavailable

# What all parts have in common in an address.
SHARED = ("range", "from", "to", "at", "tz")


class Part(NamedTuple):
    """scope: what it takes to see it."""

    scope: str
    page: Page


# By the word of the address, in the order of the tabs.
PARTS: Mapping[str, Part] = {
    "letters": Part("letters:read", LETTERS),
    "partitions": Part("stats:read", PARTITIONS),
    "keys": Part("keys:admin", KEYS),
    "people": Part("keys:admin", PEOPLE),
    "audit": Part("audit:read", AUDIT),
}


def part_of(view: View, session: Session) -> str | None:
    """The part that the address names, else the first that the role may see; None where it may not see it.

    Raises:
        BadSetting: there is no such part.
    """
    name = view.query.get("tab")
    if name is None:
        return next(iter(_open_to(session)), None)
    if name not in PARTS:
        raise BadSetting(
            f"the address says tab={name[:60]}, which cannot be", next_step=f"use one of {', '.join(PARTS)}"
        )
    return name if session.may(PARTS[name].scope) else None


def _open_to(session: Session) -> list[str]:
    return [name for name, part in PARTS.items() if session.may(part.scope)]


def layout(view: View, session: Session) -> Component:
    name = part_of(view, session)
    shown = _shut() if name is None else PARTS[name].page.layout(view, session)
    return html.Div(
        [
            heading("Operations"),
            fault_banner("operations"),
            _tabs(view, session, name),
            html.Div(id="operations-trouble", role="status"),
            html.Div(shown, id="operations-part"),
        ]
    )


def _tabs(view: View, session: Session, chosen: str | None) -> Component:
    """Links, as each part has an address of its own."""
    kept = view._replace(query={name: value for name, value in view.query.items() if name in SHARED})
    links = [
        dmc.Anchor(
            PARTS[name].page.title,
            href=kept.with_(tab=name),
            underline="never",
            **({"aria-current": "page"} if name == chosen else {}),
        )
        for name in _open_to(session)
    ]
    return html.Nav(links, className="parts", **{"aria-label": "Parts of Operations"})


def _shut() -> Component:
    words = "Choose another part above, or ask an administrator."
    return dmc.Alert(words, title="▲ Your role may not see this", color="orange", variant="light")


async def ask(asking: Asking, view: View) -> Any:
    name = part_of(view, asking.session)
    recent, part = await asyncio.gather(recent_of(asking), _asked(name, asking, view))
    return {"recent": recent, "name": name, "part": part}


async def _asked(name: str | None, asking: Asking, view: View) -> Any:
    """What a part is told, or why it is told nothing: faults are shown all the same."""
    if name is None:
        return None
    try:
        return await PARTS[name].page.ask(asking, view)
    except (Unavailable, GatewayProblem, Forbidden) as error:
        return error


def show(told: Any, view: View) -> Updates:
    name, part = told["name"], told["part"]
    failed = isinstance(part, FraudError)
    return {
        **on_fault_banner("operations", told["recent"]),
        **({} if name is None or failed else PARTS[name].page.show(part, view)),
        ("operations-trouble", "children"): trouble(part) if failed else None,
        ("operations-part", "className"): "stale" if failed else "",
    }


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    for part in PARTS.values():
        if part.page.act is not None:
            part.page.act(app, asking)


OPERATIONS = Page("Operations", layout, ask, show, act)
