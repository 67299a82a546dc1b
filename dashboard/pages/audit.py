"""The audit log: who did what, why, and what came of it."""

import json
from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card
from dashboard.grids import column, grid
from dashboard.page import Page, Updates
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import NOTHING, moment
from models.errors import BadSetting

ROWS = 200
LARGEST_ID = 2**53 - 1
# What is newest changes with what people do; what is older stays as it is.
NEWEST_FRESH_S, OLDER_FRESH_S = 2.0, 60.0
SIGNS = {"done": "✓ done", "failed": "▲ failed", "refused": "▲ refused", "begun": "… begun"}
SEARCHED = {"filter": True, "floatingFilter": True}
COLUMNS = (
    column("at", "When", 165),
    column("actor", "Who", 130, **SEARCHED),
    column("action", "What", 110, **SEARCHED),
    column("object", "On what", 170, tooltipField="object", **SEARCHED),
    column("change", "Before → after", 180, tooltipField="change", flex=2),
    column("why", "Why", 180, tooltipField="why", flex=2),
    column("outcome", "Outcome", 100, **SEARCHED),
    column("detail", "More", 160, tooltipField="detail", flex=2),
)


def layout(view: View, session: Session) -> Component:
    before_in(view)
    links = [
        dmc.Anchor("Newest", href=view.with_(before=None), size="sm"),
        dmc.Anchor("Older ›", id="audit-older", href="", size="sm", display="none"),
    ]
    return card(
        "Audit log",
        html.Nav(dmc.Group(links, mb="xs"), **{"aria-label": "Pages of the audit log"}),
        grid("audit-rows", "The audit log, newest first", COLUMNS, "Nothing stands there.", row_id="id"),
        note=f"Newest first, {ROWS} at a time. The boxes under the titles search these {ROWS} only. "
        "Whether the log is unbroken says: fraudml audit verify.",
    )


def before_in(view: View) -> int | None:
    """
    Raises:
        BadSetting: the address names no row.
    """
    text = view.query.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) <= LARGEST_ID):
        raise BadSetting(
            f"the address says before={text[:60]}, which cannot be", next_step="begin with the newest"
        )
    return int(text)


async def ask(asking: Asking, view: View) -> Any:
    before = before_in(view)
    if before is None:
        return await asking.get("/v1/audit", {"limit": ROWS}, fresh_s=NEWEST_FRESH_S)
    return await asking.get("/v1/audit", {"limit": ROWS, "before": before}, fresh_s=OLDER_FRESH_S)


def show(told: Any, view: View) -> Updates:
    older = told["next_before"]
    return {
        ("audit-rows", "rowData"): [_row(each, view) for each in told["rows"]],
        ("audit-older", "href"): view.with_(before=str(older)) if older else "",
        ("audit-older", "display"): "inline" if older else "none",
    }


def _row(row: Mapping[str, Any], view: View) -> dict[str, Any]:
    return {
        "id": str(row["audit_id"]),
        "at": moment(row["happened_at"], view.timezone()),
        "actor": row["actor"],
        "action": row["action"],
        "object": row["object"],
        "change": row["after"] if row["before"] is None else f"{row['before']} → {row['after']}",
        "why": row["why"] or NOTHING,
        "outcome": SIGNS.get(row["outcome"], row["outcome"]),
        "detail": json.dumps(row["detail"], ensure_ascii=False) if row["detail"] else "",
    }


AUDIT = Page("Audit log", layout, ask, show)
