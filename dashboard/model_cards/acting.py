"""Dialogs for administrators: opened with what is known, asked for a reason, told what came of it."""

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.dialogs import failure, notice, refusal, window
from dashboard.gateway import LONG_S
from dashboard.model_cards import consequences
from dashboard.model_cards.forms import ACTIVATE, FORMS, PROMOTE, ROLLBACK, Fields, Form, Known, said
from dashboard.model_cards.hearing import Question, hear, outdate
from dashboard.model_cards.questions import MODELS, POLICY, SPLIT
from models.errors import BadSetting, FraudError, GatewayUnavailable

CHANGED = (
    "/v1/models",
    "/v1/ab",
    "/v1/policies",
    "/v1/audit",
    "/v1/stats",
    "/v1/quality",
    "/v1/what-if",
    "/v1/drift",
)


def dialog(of: Form) -> Component:
    return window(
        f"models-{of.kind}-dialog",
        of.title,
        html.Div(id=f"models-{of.kind}-form"),
        dmc.Text(html.Div(id=f"models-{of.kind}-says", role="status"), size="sm", my="sm"),
        html.Div(id=f"models-{of.kind}-refused", role="alert"),
        dmc.Button(of.button, id=f"models-{of.kind}-do", mt="sm"),
    )


async def known_of(asking: Asking, of: Form) -> Known:
    """
    Raises:
        FraudError: what the form is made of cannot be had.
    """
    split, policies = await _document(asking, SPLIT), await _document(asking, POLICY)
    if not of.wants_models:
        return Known(split, policies)
    return Known(split, policies, (await _document(asking, MODELS))["models"])


async def _document(asking: Asking, question: Question) -> Any:
    heard = await hear(asking, question, LONG_S)
    if heard.document is None:
        raise heard.trouble or GatewayUnavailable("the gateway does not answer in time")
    return heard.document


async def consequence(asking: Asking, of: Form, fields: Fields) -> str:
    """What would be done.

    Raises:
        FraudError: something is missing, or cannot be.
    """
    known = await known_of(asking, of)
    if of is PROMOTE:
        return consequences.of_promotion(fields, known)
    if of is ROLLBACK:
        return consequences.of_rollback(fields, known)
    if of is ACTIVATE:
        version = said(fields, "version", "a policy")
        told = await asking.get("/v1/policies", {"version": version})
        return consequences.of_policy(version, told["policy"], known)
    return consequences.of_shares(fields, known)


async def done(asking: Asking, of: Form, fields: Fields) -> str:
    """What came of it.

    Raises:
        FraudError: it was not done; what got no answer may have been.
    """
    order = of.order(fields)
    try:
        return of.outcome(await asking.do(order.path, order.document, within_s=LONG_S))
    finally:
        outdate(asking.shared, *CHANGED)


def add_dialogs(app: Dash, asking: Callable[[], Asking]) -> None:
    for form in FORMS:
        _add_opening(app, asking, form)
        _add_saying(app, asking, form)
        _add_doing(app, asking, form)


def fields_of(values: Any, ids: Any) -> dict[str, Any]:
    """As the browser tells of them.

    Raises:
        BadSetting: it tells of no fields.
    """
    if not isinstance(values, list) or not _are_ids(ids) or len(values) != len(ids):
        raise BadSetting("these fields cannot be read", next_step="open the dialog anew")
    return {str(next(iter(each.values()))): value for each, value in zip(ids, values, strict=True)}


def _are_ids(ids: Any) -> bool:
    return isinstance(ids, list) and all(isinstance(each, dict) and each for each in ids)


def _add_opening(app: Dash, asking: Callable[[], Asking], of: Form) -> None:
    opens, name = f"models-{of.kind}-open", f"models-{of.kind}"

    @app.callback(
        Output(f"{name}-dialog", "opened", allow_duplicate=True),
        Output(f"{name}-form", "children"),
        Output(f"{name}-refused", "children", allow_duplicate=True),
        Output(f"{name}-do", "disabled"),
        Input(opens, "n_clicks"),
        running=[(Output(opens, "loading"), True, False)],
        prevent_initial_call=True,
    )
    async def open_it(clicks: Any) -> Any:
        if not clicks:
            return no_update, no_update, no_update, no_update
        own = asking()
        try:
            content = dmc.Stack(of.fields(await known_of(own, of), own.now()), gap="xs")
        except FraudError as error:
            return True, None, refusal(error), True
        return True, content, None, False


def _add_saying(app: Dash, asking: Callable[[], Asking], of: Form) -> None:
    field = {f"models-{of.kind}": ALL}

    @app.callback(
        Output(f"models-{of.kind}-says", "children"),
        Input(field, "value"),
        State(field, "id"),
        prevent_initial_call=True,
    )
    async def say(values: Any, ids: Any) -> Any:
        if not ids:
            return ""
        try:
            return await consequence(asking(), of, fields_of(values, ids))
        except FraudError as error:
            return f"{error}."


def _add_doing(app: Dash, asking: Callable[[], Asking], of: Form) -> None:
    name, field = f"models-{of.kind}", {f"models-{of.kind}": ALL}

    @app.callback(
        Output(f"{name}-dialog", "opened", allow_duplicate=True),
        Output(f"{name}-refused", "children", allow_duplicate=True),
        Output("notices", "sendNotifications", allow_duplicate=True),
        Input(f"{name}-do", "n_clicks"),
        State(field, "value"),
        State(field, "id"),
        running=[(Output(f"{name}-do", "loading"), True, False)],
        prevent_initial_call=True,
    )
    async def do_it(clicks: Any, values: Any, ids: Any) -> Any:
        if not clicks:
            return no_update, no_update, no_update
        own = asking()
        try:
            words = await done(own, of, fields_of(values, ids))
        except FraudError as error:
            return no_update, failure(error), no_update
        return False, None, notice(words, f"{name}-{own.now().timestamp()}", of.title)
