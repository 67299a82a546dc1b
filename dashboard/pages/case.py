"""One case on one screen: what happened, what is normal, what was said, and what to do."""

import asyncio
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card, heading
from dashboard.gateway import LONG_S
from dashboard.page import Updates
from dashboard.reviewing import case_facts, normals, score_figure, timelines
from dashboard.reviewing.filters import address_of, filters_of, gateway_path
from dashboard.reviewing.keys import keys_sheet
from dashboard.reviewing.timelines import Entity
from dashboard.reviewing.verdicts import case_buttons, open_buttons, verdict_modals
from dashboard.reviewing.words import Document, actor_of
from dashboard.sessions import Session
from dashboard.shell import told as told_of
from dashboard.view import View
from models.errors import Denied, FraudError
from models.scopes import Scope

WRITES: Scope = "reviews:write"
# As long as another's taking may go unseen; whoever acts reads it anew.
FRESH_S = 1.8
# What is around a case is heavy, and changes slowly.
AROUND_FRESH_S = 60.0
# The case itself does not wait for it: it comes with one of the next looks.
WAITS_S = 0.5
ENTITIES: tuple[Entity, ...] = ("customer", "terminal")


def layout(view: View, session: Session) -> Component:
    """
    Raises:
        BadSetting: the address names no queue to go back to.
    """
    filters_of(view)
    may_act, dark = session.may(WRITES), view.dark
    zone = "local time" if view.query.get("tz") == "local" else "UTC"
    cards = [
        card("The transaction", html.Div(id="reviews-transaction")),
        _why(dark),
        _normal(dark),
        _said(),
        *(timelines.timeline_card(entity, dark) for entity in ENTITIES),
    ]
    return html.Div(
        [
            heading(f"Case {view.rest}"),
            _bar(view, may_act),
            html.Div(id="reviews-around", role="status"),
            dmc.SimpleGrid(cards, cols={"base": 1, "lg": 2}, spacing="sm"),
            *(verdict_modals(zone) if may_act else []),
            keys_sheet(),
        ]
    )


def _why(dark: bool) -> Component:
    score = card("Score and thresholds", score_figure.score_chart(dark))
    return dmc.Stack([score, card("Why", html.Div(id="reviews-reasons"))], gap="sm")


def _normal(dark: bool) -> Component:
    return card(
        "Beside what is normal",
        html.Div(id="reviews-normals"),
        dmc.Text("The customer's payments by hour of day, UTC", size="xs", c="dimmed", mt="sm"),
        normals.hours_chart(dark),
        note="Of 90 days before, as known when this was decided; cut: of the last of them.",
    )


def _said() -> Component:
    variants = html.Div(id="reviews-variants")
    note = "The models in force, on the same features."
    cards = [
        card("What every variant says", variants, note=note),
        card("Labels", html.Div(id="reviews-labels")),
        card("What was done with this case", html.Div(id="reviews-history")),
    ]
    return dmc.Stack(cards, gap="sm")


def _bar(view: View, may_act: bool) -> Component:
    """It stays in sight while the page is scrolled."""
    around = dmc.Group(
        [
            dcc.Link("← Queue (Esc)", href=address_of(None, view), id="reviews-back"),
            dmc.Badge("", id="reviews-state", variant="outline", size="lg", tt="none"),
            dmc.Text("", id="reviews-standing", size="sm", **{"aria-live": "polite"}),
        ],
        gap="sm",
    )
    others = dmc.Group(
        [
            dmc.Button("Next case (n)", id="reviews-next", variant="default", size="xs"),
            dmc.Button("Keys (?)", id="reviews-keys", variant="default", size="xs"),
        ],
        gap="xs",
    )
    buttons = [case_buttons()] if may_act else []
    return dmc.Paper(
        dmc.Stack([around, dmc.Group([*buttons, others], gap="xs", justify="space-between")], gap="xs"),
        p="sm",
        mb="sm",
        withBorder=True,
        className="reviews-bar",
    )


async def ask(asking: Asking, view: View) -> Any:
    return await _asked(asking, view, FRESH_S) | {"around": await _around(asking, view)}


async def redraw(asking: Asking, view: View) -> Updates:
    """What changes with an action, read anew."""
    return _standing(await _asked(asking, view, 0.0), view)


async def _asked(asking: Asking, view: View, fresh_s: float) -> dict[str, Any]:
    filters_of(view)
    return {
        "whole": await asking.get(gateway_path(view.rest), fresh_s=fresh_s),
        "now": asking.now(),
        "me": actor_of(asking.session.name),
        "may_act": asking.session.may(WRITES),
    }


async def _around(asking: Asking, view: View) -> Document | FraudError | None:
    """What surrounds it; why that cannot be had; None: not yet."""
    asked = asking.get(gateway_path(view.rest, "context"), fresh_s=AROUND_FRESH_S, within_s=LONG_S)
    try:
        found: Document = await asyncio.wait_for(asked, WAITS_S)
    except TimeoutError:
        return None
    except Denied:
        raise
    except FraudError as error:
        return error
    return found


def show(told: Any, view: View) -> Updates:
    decision, around = told["whole"]["decision"], told["around"]
    context = None if isinstance(around, FraudError) else around
    return {
        **_standing(told, view),
        ("reviews-transaction", "children"): case_facts.transaction(decision, view),
        ("reviews-reasons", "children"): case_facts.reasons(decision),
        ("reviews-score", "figure"): score_figure.drawn(decision, context),
        ("reviews-score-words", "children"): score_figure.in_words(decision, context),
        ("reviews-around", "children"): _missing(around),
        **(_surroundings(decision, context, view) if context else {}),
    }


def _standing(told: Any, view: View) -> Updates:
    case, whole = told["whole"]["case"], told["whole"]
    me, now, may_act = told["me"], told["now"], told["may_act"]
    return {
        ("reviews-state", "children"): case_facts.STATES[case["state"]],
        ("reviews-standing", "children"): case_facts.standing(case, me, now, view, may_act),
        ("reviews-labels", "children"): case_facts.labels(whole["labels"], view),
        ("reviews-history", "children"): case_facts.history(whole["actions"], view),
        **(open_buttons(case, me, now) if may_act else {}),
    }


def _missing(around: Any) -> Component | None:
    if isinstance(around, FraudError):
        return told_of(around)
    return None if around else dmc.Text("Looking up customer, terminal and models…", size="sm", mb="sm")


def _surroundings(decision: Document, context: Document, view: View) -> Updates:
    updates: dict[tuple[str, str], Any] = {
        ("reviews-normals", "children"): normals.normals(decision, context),
        ("reviews-hours", "figure"): normals.hours_drawn(decision, context),
        ("reviews-variants", "children"): score_figure.variants(decision, context),
    }
    for entity in ENTITIES:
        timeline = context[entity]["timeline"]
        updates |= {
            (f"reviews-{entity}", "figure"): timelines.timeline_drawn(decision, timeline),
            (f"reviews-{entity}-words", "children"): timelines.timeline_words(timeline),
            (f"reviews-{entity}-rows", "children"): timelines.timeline_rows(entity, decision, timeline, view),
        }
    return updates
