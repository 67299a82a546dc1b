"""What people do with a case. What the gateway refuses is told, and the case is read again."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from dash import Dash, Input, Output, State, set_props

from dashboard.asking import Asking
from dashboard.page import Updates
from dashboard.reviewing.filters import CURSOR, address_of, filters_of, gateway_path
from dashboard.reviewing.next_case import next_case
from dashboard.reviewing.verdicts import VERDICTS, add_verdict_scripts, finding_of
from dashboard.reviewing.words import VERDICT_WORDS
from dashboard.telling import put, tell, tell_failure
from dashboard.view import View, view_of
from models.errors import BadSetting, FraudError, GatewayProblem
from models.finding import CaseVerdict

Ask = Callable[[], Asking]
# What a view shows just now, without the heavy parts.
Redraw = Callable[[Asking, View], Awaitable[Updates]]
SIMPLE = {"take": "Taken", "release": "Released", "undo": "Undone: the case is yours again"}
LATER = {"prevent_initial_call": True}


def add_acting(app: Dash, asking: Ask, redraw: Redraw) -> None:
    add_verdict_scripts(app)
    for action in SIMPLE:
        _add_simple(app, asking, redraw, action)
    for verdict in VERDICTS:
        _add_verdict(app, asking, redraw, verdict)
    _add_next(app, asking)


def _add_simple(app: Dash, asking: Ask, redraw: Redraw, action: str) -> None:
    @app.callback(Input(f"reviews-{action}", "n_clicks"), State("view", "data"), **LATER)
    async def act(clicks: Any, document: Any) -> None:
        if not clicks:
            return
        try:
            view = case_view(document)
            await doing(asking(), view, action, None, redraw)
            tell(SIMPLE[action], view.rest)
        except FraudError as error:
            tell_failure(error)


def _add_verdict(app: Dash, asking: Ask, redraw: Redraw, verdict: CaseVerdict) -> None:
    until = [State("reviews-snooze-until", "value")] if verdict == "snooze" else []

    @app.callback(
        Input(f"reviews-{verdict}-confirm", "n_clicks"),
        State(f"reviews-{verdict}-code", "value"),
        State(f"reviews-{verdict}-note", "value"),
        State("view", "data"),
        *until,
        running=[(Output(f"reviews-{verdict}-confirm", "loading"), True, False)],
        **LATER,
    )
    async def decide(clicks: Any, code: Any, note: Any, document: Any, until: Any = None) -> None:
        if not clicks:
            return
        try:
            asked, view = asking(), case_view(document)
            found = finding_of(verdict, code, note, until, asked.now(), view.timezone())
            await doing(asked, view, "decide", found, redraw)
        except FraudError as error:
            tell_failure(error)
            if not _is_conflict(error):
                return  # what was written stays there, to be sent again
        else:
            tell(f"{VERDICT_WORDS[verdict]}: done", "Undo it with u; go on to the next case with n.")
        set_props(f"reviews-{verdict}-modal", {"opened": False})


async def doing(asking: Asking, view: View, action: str, document: Any, redraw: Redraw) -> None:
    """The case is read again whatever came of it.

    Raises:
        GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
    """
    try:
        await asking.do(gateway_path(view.rest, action), document)
    finally:
        # Where that fails the news say so.
        with suppress(FraudError):
            put(await redraw(asking, view))


def _add_next(app: Dash, asking: Ask) -> None:
    @app.callback(Input("reviews-next", "n_clicks"), State("view", "data"), **LATER)
    async def go_on(clicks: Any, document: Any) -> None:
        if not clicks:
            return
        try:
            address = await next_address(asking(), view_of(document))
        except FraudError as error:
            tell_failure(error)
            return
        if address is None:
            tell("That was the last one", "No further case of this queue is free. Press Esc for the queue.")
            return
        path, _, search = address.partition("?")
        set_props("url", {"pathname": path, "search": f"?{search}" if search else ""})


async def next_address(asking: Asking, view: View) -> str | None:
    """Of the next case; None: there is none.

    Raises:
        BadSetting: the address names no queue.
        GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
    """
    decision = (await asking.get(gateway_path(view.rest)))["decision"] if view.rest else None
    found = await next_case(asking, filters_of(view), decision)
    return found and address_of(found.transaction_id, view, **{CURSOR: found.cursor})


def _is_conflict(error: FraudError) -> bool:
    return isinstance(error, GatewayProblem) and error.status == 409


def case_view(document: Any) -> View:
    """
    Raises:
        BadSetting: it is no view of a case.
    """
    view = view_of(document)
    if not view.rest:
        raise BadSetting("no case is open", next_step="open one from the queue")
    return view
