"""What is done with keys. A new one is shown once, in its dialog, and is kept nowhere else."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html, no_update
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.dialogs import Dialog, Done, add_dialog, dialog, why_field, why_in, window
from dashboard.page import Updates
from dashboard.sessions import Session
from models.errors import BadSetting
from models.scopes import SCOPES, Scope

USUAL_LIMIT, USUAL_DAYS, USUAL_OVERLAP_H = 100, 90, 24
CREATE: Mapping[str, Any] = {
    "keys-owner": "",
    "keys-name": "",
    "keys-scopes": [],
    "keys-limit": USUAL_LIMIT,
    "keys-days": USUAL_DAYS,
    "keys-create-why": "",
}
ROTATE: Mapping[str, Any] = {"keys-overlap": USUAL_OVERLAP_H, "keys-rotate-why": ""}
REVOKE: Mapping[str, Any] = {"keys-revoke-why": ""}


def key_dialogs(session: Session) -> list[Component]:
    return [
        dialog(
            "keys-create",
            "A new key",
            "It may do no more than you may. One that has transactions decided (score:write) is made by "
            "fraudml keys create.",
            _fields(session),
            "Make it",
        ),
        dialog(
            "keys-rotate",
            "Rotate a key",
            "A second key of the same name and scopes is made, and the old one ends after the overlap.",
            [_number("keys-overlap", "Hours until the old one ends", 0, 8760), why_field("keys-rotate-why")],
            "Rotate it",
        ),
        dialog(
            "keys-revoke",
            "Revoke a key",
            "It ends for good, within five seconds. Whoever uses it is refused from then on.",
            [why_field("keys-revoke-why")],
            "Revoke it",
            "red",
        ),
        _secret_dialog(),
    ]


def _fields(session: Session) -> list[Component]:
    return [
        dmc.TextInput(
            id="keys-owner", label="Owner", description="Whose system it is", required=True, value=""
        ),
        dmc.TextInput(
            id="keys-name", label="Name", description="What the owner calls it", required=True, value=""
        ),
        dmc.CheckboxGroup(
            dmc.Stack([_may(scope) for scope in SCOPES if session.may(scope)], gap=4, mt=4),
            id="keys-scopes",
            label="It may",
            required=True,
            value=[],
        ),
        _number("keys-limit", "Requests a minute", 1, 100_000),
        _number("keys-days", "Days until it ends; empty for no end", 1, 36_500),
        why_field("keys-create-why"),
    ]


def _may(scope: Scope) -> Component:
    return dmc.Checkbox(label=f"{SCOPES[scope]} ({scope})", value=scope, size="xs")


def _number(name: str, label: str, least: int, most: int) -> Component:
    return dmc.NumberInput(id=name, label=label, min=least, max=most, allowDecimal=False, value=None)


def _secret_dialog() -> Component:
    """Closed by its button alone, so that no key is lost by a slip."""
    return window(
        "keys-secret-dialog",
        "Keep this key",
        html.Div(id="keys-secret"),
        withCloseButton=False,
        closeOnClickOutside=False,
        closeOnEscape=False,
        size="lg",
    )


def secret_shown(key: str) -> Component:
    return html.Div(
        [
            dmc.Text(
                "It is shown this once. Keep it where secrets are kept, before you close this.", size="sm"
            ),
            dmc.Code(key, block=True, className="secret", my="sm"),
            dmc.Group(
                [
                    dmc.CopyButton("Copy", value=key, copiedChildren="✓ Copied", id="keys-copy"),
                    dmc.Button("I have kept it", id="keys-kept", variant="default"),
                ]
            ),
        ]
    )


def add_key_actions(app: Dash, asking: Callable[[], Asking]) -> None:
    add_dialog(app, asking, Dialog("keys-create", CREATE, create))
    add_dialog(app, asking, Dialog("keys-rotate", ROTATE, rotate, of="keys-all"), _about)
    add_dialog(app, asking, Dialog("keys-revoke", REVOKE, revoke, of="keys-all"), _about)

    @app.callback(
        Output("keys-secret-dialog", "opened"),
        Output("keys-secret", "children"),
        Input("keys-kept", "n_clicks"),
        prevent_initial_call=True,
    )
    def forget(clicks: Any) -> Any:
        return (False, None) if clicks else (no_update, no_update)


def _about(row: Mapping[str, Any]) -> str:
    return f"{row.get('owner')}/{row.get('name')} · {row.get('key_id')} · {row.get('last_four')}"


async def create(asking: Asking, owner: Any, name: Any, scopes: Any, limit: Any, days: Any, why: Any) -> Done:
    """
    Raises:
        BadSetting: something is missing, or no number is one.
        FraudError: the gateway makes none.
    """
    if not owner or not name or not scopes:
        raise BadSetting("owner, name and what it may are wanted", next_step="fill them in")
    asked = {"owner": owner, "name": name, "scopes": scopes, "why": why_in(why)}
    asked["limit_per_minute"] = _whole(limit, 1, "requests a minute")
    # Without an end only where the field was left empty.
    asked["expires_days"] = None if days in (None, "") else _whole(days, 1, "days until it ends")
    told = await asking.do("/v1/keys", asked)
    return Done(f"The key {told['owner']}/{told['name']} was made.", _secret(told))


async def rotate(asking: Asking, row: Mapping[str, Any], overlap: Any, why: Any) -> Done:
    """
    Raises:
        BadSetting: there is no overlap, or no reason.
        FraudError: the gateway makes none.
    """
    asked = {"overlap_hours": _whole(overlap, 0, "hours until the old one ends"), "why": why_in(why)}
    told = await asking.do(_path(row, "rotate"), asked)
    return Done(f"The key {told['owner']}/{told['name']} has a second one.", _secret(told))


async def revoke(asking: Asking, row: Mapping[str, Any], why: Any) -> Done:
    """
    Raises:
        FraudError: the gateway does not end it.
    """
    told = await asking.do(_path(row, "revoke"), {"why": why_in(why)})
    return Done(f"The key {told['owner']}/{told['name']} was revoked.")


def _whole(number: Any, least: int, what: str) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise BadSetting(f"{what} must be a whole number from {least} on", next_step="fill in another")
    return number


def _path(row: Mapping[str, Any], what: str) -> str:
    return f"/v1/keys/{quote(str(row.get('key_id')), safe='')}/{what}"


def _secret(told: Mapping[str, Any]) -> Updates:
    return {
        ("keys-secret", "children"): secret_shown(told["key"]),
        ("keys-secret-dialog", "opened"): True,
    }
