"""Keys: what each may, how much of its limit it uses; made, rotated and ended."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card
from dashboard.dialogs import opener
from dashboard.grids import bar, bar_column, column, grid
from dashboard.page import Page, Updates
from dashboard.pages.key_actions import add_key_actions, key_dialogs
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import NOTHING, count, moment

FRESH_S = 2.0
SIGNS = {"live": "✓ live", "expired": "◦ expired", "revoked": "✕ revoked"}
COLUMNS = (
    column("owner", "Owner", 120),
    column("name", "Name", 120),
    bar_column("used", "Used in the last minute", 200),
    column("state", "State", 100),
    column("expires", "Ends", 165),
    column("scopes", "May", 220, tooltipField="scopes", flex=2),
    column("key_id", "Id", 130),
    column("last_four", "Last signs", 100),
    column("created", "Made", 165),
)


def layout(view: View, session: Session) -> Component:
    return card(
        "Keys",
        dmc.Group(
            [
                opener("keys-create", "New key …"),
                opener("keys-rotate", "Rotate …", disabled=True),
                opener("keys-revoke", "Revoke …", disabled=True),
            ],
            gap="xs",
            mb="xs",
        ),
        grid(
            "keys-all", "Keys of the gateway", COLUMNS, "There is no key yet.", row_id="key_id", chosen=True
        ),
        html.Div(id="keys-unknown", role="status", className="said"),
        *key_dialogs(session),
        note="Choose a key to rotate or revoke it. A key is told once, when it is made.",
    )


async def ask(asking: Asking, view: View) -> Any:
    keys, usage = await asyncio.gather(
        asking.get("/v1/keys", fresh_s=FRESH_S), asking.get("/v1/keys/usage", fresh_s=FRESH_S)
    )
    return {"keys": keys["keys"], "usage": usage}


def show(told: Any, view: View) -> Updates:
    used = {each["key_id"]: each["used"] for each in told["usage"]["keys"]}
    rows = [_row(key, used.get(key["key_id"]), view) for key in told["keys"]]
    rows.sort(key=lambda row: (row["state"] != SIGNS["live"], row["owner"], row["name"]))
    untold = told["usage"]["live_keys"] - len(used)
    words = f"Of {count(untold)} more live keys it is not told how much they use." if untold > 0 else ""
    return {("keys-all", "rowData"): rows, ("keys-unknown", "children"): words}


def _row(key: Mapping[str, Any], used: int | None, view: View) -> dict[str, Any]:
    limit, zone = key["limit_per_minute"], view.timezone()
    words = f"{NOTHING if used is None else count(used)} of {count(limit)}"
    return {
        **{name: key[name] for name in ("key_id", "owner", "name")},
        **bar("used", used, limit, words),
        "state": SIGNS.get(key["state"], key["state"]),
        "expires": NOTHING if key["expires_at"] is None else moment(key["expires_at"], zone),
        "scopes": ", ".join(key["scopes"]),
        "last_four": f"…{key['last_four']}",
        "created": moment(key["created_at"], zone),
    }


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    add_key_actions(app, asking)


KEYS = Page("Keys", layout, ask, show, act)
