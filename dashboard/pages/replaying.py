"""Sending dead letters again: first how many that would be, then why."""

from collections.abc import Callable, Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card
from dashboard.dialogs import Dialog, Done, add_dialog, dialog, refusal, why_field, why_in
from dashboard.page import Updates
from dashboard.pages.wanted_letters import LETTERS_S, wanted_of
from dashboard.view import view_of
from dashboard.wording import count
from models.errors import BadSetting, FraudError

NAME = "letters-replay"


def replaying() -> Component:
    return card(
        "Send again",
        dmc.Group(
            [
                dmc.Checkbox(
                    id="letters-again",
                    label="Also what was sent before and was refused again",
                    size="xs",
                    checked=False,
                ),
                dmc.Button("Count what would be sent", id="letters-dry-run", size="xs", variant="default"),
                dmc.Button("Send …", id=f"{NAME}-open", size="xs", disabled=True),
            ],
            gap="sm",
        ),
        html.Div(id="letters-would", role="status", className="said"),
        # What has been counted, so that just that is sent.
        dcc.Store(id="letters-order"),
        dialog(
            NAME,
            "Send dead letters again",
            "They go to their topic with their own key and bytes, and are decided like any other record.",
            [why_field(f"{NAME}-why")],
            "Send them",
        ),
        note="The letters that are chosen above, each once; what held a card number was not kept.",
    )


def add_replaying(app: Dash, asking: Callable[[], Asking]) -> None:
    @app.callback(
        Output("letters-would", "children"),
        Output("letters-order", "data"),
        Output(f"{NAME}-open", "disabled"),
        Input("letters-dry-run", "n_clicks"),
        State("letters-again", "checked"),
        State("view", "data"),
        running=[(Output("letters-dry-run", "loading"), True, False)],
        prevent_initial_call=True,
    )
    async def dry_run(clicks: Any, again: Any, document: Any) -> Any:
        if not clicks:
            return no_update, no_update, no_update
        own = asking()
        try:
            order = order_of(wanted_of(view_of(document), own.now()), bool(again))
            told = await would_send(own, order)
        except FraudError as error:
            return refusal(error), None, True
        return told["words"], order, not told["some"]

    add_dialog(app, asking, Dialog(NAME, {f"{NAME}-why": ""}, replay, also=[State("letters-order", "data")]))


def order_of(wanted: Mapping[str, str], again: bool) -> dict[str, Any]:
    """As the gateway takes it; wanted: as it is asked for letters."""
    named = {"topic": wanted.get("topic"), "reason": wanted.get("reason"), "since": wanted.get("from")}
    return {**{name: value for name, value in named.items() if value}, "again": again}


async def would_send(asking: Asking, order: Mapping[str, Any]) -> dict[str, Any]:
    """
    Raises:
        FraudError: the gateway does not say.
    """
    told = await asking.do("/v1/dead-letters/replay", {**order, "dry_run": True}, within_s=LETTERS_S)
    words = f"{count(told['would_send'])} would be sent, {count(told['passed_over'])} passed over."
    return {"words": words, "some": told["would_send"] > 0}


async def replay(asking: Asking, why: Any, order: Any = None) -> Done:
    """
    Raises:
        BadSetting: nothing was counted, or it is not said why.
        FraudError: the gateway does not send them.
    """
    if not isinstance(order, dict):
        raise BadSetting("it is not known what to send", next_step="count what would be sent first")
    told = await asking.do(
        "/v1/dead-letters/replay", {**order, "dry_run": False, "why": why_in(why)}, within_s=LETTERS_S
    )
    words = f"{count(told['sent'])} dead letters were sent again, {count(told['passed_over'])} passed over."
    sent: Updates = {
        ("letters-would", "children"): words,
        ("letters-order", "data"): None,
        (f"{NAME}-open", "disabled"): True,
    }
    return Done(words, sent)
