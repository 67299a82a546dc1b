"""People: who may sign in, as what; made, given another password or role, and shut out."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import dash_mantine_components as dmc
from dash import Dash
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card
from dashboard.dialogs import Dialog, Done, add_dialog, dialog, opener, why_field, why_in
from dashboard.grids import column, grid
from dashboard.page import Page, Updates
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import NOTHING, moment
from models.errors import BadSetting
from models.user import LONGEST_PASSWORD, ROLES, SHORTEST_PASSWORD

FRESH_S = 2.0
SIGNS = {"active": "✓ active", "disabled": "✕ shut out"}
COLUMNS = (
    column("name", "Name", 150),
    column("role", "Role", 110),
    column("state", "State", 110),
    column("created", "Since", 165),
    column("changed", "Last changed", 165),
    column("disabled", "Shut out", 165),
)
CREATE: Mapping[str, Any] = {
    "people-name": "",
    "people-new-role": "viewer",
    "people-password": "",
    "people-password-again": "",
    "people-create-why": "",
}
RESET: Mapping[str, Any] = {"people-reset-password": "", "people-reset-again": "", "people-reset-why": ""}
ROLE: Mapping[str, Any] = {"people-role-is": "viewer", "people-role-why": ""}
DISABLE: Mapping[str, Any] = {"people-disable-why": ""}


def layout(view: View, session: Session) -> Component:
    return card(
        "People",
        dmc.Group(
            [
                opener("people-create", "New person …"),
                opener("people-reset", "New password …", disabled=True),
                opener("people-role", "Another role …", disabled=True),
                opener("people-disable", "Shut out …", disabled=True),
            ],
            gap="xs",
            mb="xs",
        ),
        grid(
            "people-all",
            "People who may sign in",
            COLUMNS,
            "Nobody may sign in yet.",
            row_id="name",
            chosen=True,
        ),
        *_dialogs(),
        note="Choose somebody to change. Each change ends what he has signed in with.",
    )


def _dialogs() -> list[Component]:
    new = [
        dmc.TextInput(
            id="people-name", label="Name", required=True, value="", inputProps={"autoComplete": "off"}
        ),
        _role("people-new-role"),
        *_passwords("people-password", "people-password-again"),
        why_field("people-create-why"),
    ]
    reset = [*_passwords("people-reset-password", "people-reset-again"), why_field("people-reset-why")]
    role = [_role("people-role-is"), why_field("people-role-why")]
    lets_in = "Who was shut out is let in again by it."
    return [
        dialog(
            "people-create", "A new person", "Tell the password by another way than the name.", new, "Let in"
        ),
        dialog("people-reset", "Another password", lets_in, reset, "Change it"),
        dialog("people-role", "Another role", "It holds from the next sign-in on.", role, "Change it"),
        dialog(
            "people-disable",
            "Shut somebody out",
            "Nothing is open to him any more, within five seconds.",
            [why_field("people-disable-why")],
            "Shut out",
            "red",
        ),
    ]


def _role(name: str) -> Component:
    return dmc.Select(id=name, label="Role", data=list(ROLES), value="viewer", allowDeselect=False)


def _passwords(first: str, second: str) -> list[Component]:
    words = f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} signs; a sentence will do"
    usual = {"required": True, "value": "", "autoComplete": "new-password"}
    shown = {"visibilityToggleButtonProps": {"aria-label": "Show what is typed"}}
    return [
        dmc.PasswordInput(id=first, label="Password", description=words, **usual, **shown),
        dmc.PasswordInput(id=second, label="The same again", **usual, **shown),
    ]


async def ask(asking: Asking, view: View) -> Any:
    return await asking.get("/v1/users", fresh_s=FRESH_S)


def show(told: Any, view: View) -> Updates:
    return {("people-all", "rowData"): [_row(each, view) for each in told["users"]]}


def _row(user: Mapping[str, Any], view: View) -> dict[str, Any]:
    zone, ended = view.timezone(), user["disabled_at"]
    return {
        "name": user["name"],
        "role": user["role"],
        "state": SIGNS.get(user["state"], user["state"]),
        "created": moment(user["created_at"], zone),
        "changed": moment(user["changed_at"], zone),
        "disabled": NOTHING if ended is None else moment(ended, zone),
    }


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    add_dialog(app, asking, Dialog("people-create", CREATE, create))
    for name, fields, do in (
        ("people-reset", RESET, reset),
        ("people-role", ROLE, give),
        ("people-disable", DISABLE, disable),
    ):
        add_dialog(app, asking, Dialog(name, fields, do, of="people-all"), _about)


def _about(row: Mapping[str, Any]) -> str:
    return f"{row.get('name')} · {row.get('role')} · {row.get('state')}"


async def create(asking: Asking, name: Any, role: Any, password: Any, again: Any, why: Any) -> Done:
    """
    Raises:
        BadSetting: something is missing, or the passwords differ.
        FraudError: the gateway lets nobody in.
    """
    if not name:
        raise BadSetting("a name is wanted", next_step="fill it in")
    asked = {"name": name, "role": role, "password": _same(password, again), "why": why_in(why)}
    told = await asking.do("/v1/users", asked)
    return Done(f"{told['name']} may sign in as {told['role']}.")


async def reset(asking: Asking, row: Mapping[str, Any], password: Any, again: Any, why: Any) -> Done:
    """
    Raises:
        As above.
    """
    asked = {"password": _same(password, again), "why": why_in(why)}
    told = await asking.do(_path(row, "reset"), asked)
    return Done(f"{told['name']} has another password.")


async def give(asking: Asking, row: Mapping[str, Any], role: Any, why: Any) -> Done:
    """
    Raises:
        As above.
    """
    told = await asking.do(_path(row, "role"), {"role": role, "why": why_in(why)})
    return Done(f"{told['name']} is {told['role']}.")


async def disable(asking: Asking, row: Mapping[str, Any], why: Any) -> Done:
    """
    Raises:
        As above.
    """
    told = await asking.do(_path(row, "disable"), {"why": why_in(why)})
    return Done(f"{told['name']} is shut out.")


def _path(row: Mapping[str, Any], what: str) -> str:
    return f"/v1/users/{quote(str(row.get('name')), safe='')}/{what}"


def _same(password: Any, again: Any) -> Any:
    if not password:
        raise BadSetting("a password is wanted", next_step="type it twice")
    if password != again:
        raise BadSetting("the two passwords differ", next_step="type the same twice")
    return password


PEOPLE = Page("People", layout, ask, show, act)
