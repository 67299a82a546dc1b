"""One verdict on many cases: each has an outcome of its own."""

from collections.abc import Callable
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, set_props
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card, table
from dashboard.gateway import LONG_S
from dashboard.reviewing.dialogs import add_dialog, dialog
from dashboard.reviewing.filters import address_of
from dashboard.reviewing.words import VERDICT_WORDS, Document, choices_of, plain
from dashboard.telling import tell_failure
from dashboard.view import View, view_of
from models.errors import BadSetting, FraudError
from models.finding import LONGEST_NOTE, CaseVerdict

CLOSING: tuple[CaseVerdict, ...] = ("genuine", "fraud")
MOST_AT_ONCE = 200
LATER = {"prevent_initial_call": True}


def bulk_modal() -> Component:
    codes = {verdict: choices_of(verdict) for verdict in CLOSING}
    verdict = dmc.RadioGroup(
        dmc.Group([dmc.Radio(VERDICT_WORDS[each], value=each) for each in CLOSING], gap="md"),
        id="reviews-bulk-verdict",
        label="Verdict",
        value=CLOSING[0],
        mb="sm",
    )
    reason = dmc.Select(
        id="reviews-bulk-code",
        label="Reason",
        placeholder="Choose one",
        data=codes[CLOSING[0]],
        required=True,
        mb="sm",
    )
    note = dmc.Textarea(
        id="reviews-bulk-note", label="Note", autosize=True, minRows=2, inputProps={"maxLength": LONGEST_NOTE}
    )
    words = (
        f"Cases that somebody else has taken are left alone. At most {MOST_AT_ONCE} at once. A verdict can be"
        " undone on its case, for some seconds."
    )
    return dialog(
        "reviews-bulk",
        "Close the selected cases",
        dcc.Store(id="reviews-bulk-codes", data=codes),
        verdict,
        reason,
        note,
        dmc.Text(words, size="xs", my="sm"),
        acts=dmc.Button("Close them", id="reviews-bulk-confirm"),
    )


def add_bulk(app: Dash, asking: Callable[[], Asking]) -> None:
    _add_scripts(app)

    @app.callback(
        Input("reviews-bulk-confirm", "n_clicks"),
        State("reviews-grid", "selectedRows"),
        State("reviews-bulk-verdict", "value"),
        State("reviews-bulk-code", "value"),
        State("reviews-bulk-note", "value"),
        State("view", "data"),
        running=[(Output("reviews-bulk-confirm", "loading"), True, False)],
        **LATER,
    )
    async def close(clicks: Any, rows: Any, verdict: Any, code: Any, note: Any, document: Any) -> None:
        if not clicks:
            return
        try:
            view = view_of(document)
            results = await close_all(asking(), rows, verdict, code, note)
        except FraudError as error:
            tell_failure(error)
            return
        set_props("reviews-outcomes", {"children": outcomes(results, view)})
        set_props("reviews-bulk", {"opened": False})
        set_props("reviews-bulk-note", {"value": ""})
        set_props("reviews-grid", {"selectedRows": []})


def _add_scripts(app: Dash) -> None:
    chosen = [Input("reviews-bulk-verdict", "value"), State("reviews-bulk-codes", "data")]
    menu = [Output("reviews-bulk-code", "data"), Output("reviews-bulk-code", "value")]
    button = [Output("reviews-bulk-open", "children"), Output("reviews-bulk-open", "disabled")]
    add_dialog(app, "reviews-bulk", "reviews-bulk-open")
    for function, outputs, inputs in (
        ("codes", menu, chosen),
        ("selected", button, [Input("reviews-grid", "selectedRows")]),
    ):
        app.clientside_callback(ClientsideFunction("reviews", function), outputs, *inputs, **LATER)


async def close_all(asking: Asking, rows: Any, verdict: Any, code: Any, note: Any) -> list[Document]:
    """Outcomes in the order of the rows.

    Raises:
        BadSetting: nothing, or too much, is selected, or there is no reason.
        GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
    """
    selected = rows if isinstance(rows, list) else []
    names = [str(row["id"]) for row in selected if isinstance(row, dict) and "id" in row]
    if not 0 < len(names) <= MOST_AT_ONCE:
        raise BadSetting(
            f"{len(names)} cases are selected", next_step=f"select at least one, and at most {MOST_AT_ONCE}"
        )
    if not code:
        raise BadSetting("a verdict wants a reason", next_step="choose one")
    found = {
        "verdict": str(verdict),
        "reason_code": str(code),
        "note": str(note or ""),
        "transaction_ids": names,
    }
    told = await asking.do("/v1/reviews:decide", found, within_s=LONG_S)
    return list(told["results"])


def outcomes(results: list[Document], view: View) -> Component:
    """What failed comes first: it is what is left to do."""
    closed = sum(each["status"] == 200 for each in results)
    rows = [
        (dcc.Link(each["transaction_id"], href=address_of(each["transaction_id"], view)), _outcome(each))
        for each in sorted(results, key=lambda each: each["status"] == 200)
    ]
    words = f"{closed} of {len(results)} cases closed"
    return card(words, html.Div(table(("Case", "Outcome"), rows, "", words), className="reviews-outcomes"))


def _outcome(of: Document) -> str:
    if of["status"] == 200:
        return f"✓ {plain(of['state'])}"
    return f"⚠ {plain(of['code'])}: {of['detail']}"
