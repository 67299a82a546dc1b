"""The queue: open cases, what may cost most first, or the oldest."""

from datetime import datetime
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import heading
from dashboard.grids import THEME
from dashboard.page import Updates
from dashboard.reviewing.bulk import bulk_modal
from dashboard.reviewing.filter_bar import filter_bar, saved_views
from dashboard.reviewing.filters import CASES_ON_A_PAGE, CURSOR, Filters, address_of, filters_of
from dashboard.reviewing.keys import keys_sheet
from dashboard.reviewing.next_case import queue
from dashboard.reviewing.words import DECISIONS, Document, actor_of, age, clock, lies_ahead, person
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import NOTHING, amount, count
from models.scopes import Scope

WRITES: Scope = "reviews:write"
# Somebody else's taking is seen within this; whoever acts on a case is told by the gateway anyway.
FRESH_S = 1.8
HIDDEN = {"display": "none"}
RIGHT = {"type": "rightAligned"}
COLUMNS: tuple[dict[str, Any], ...] = (
    {"field": "id", "headerName": "Case", "cellRenderer": "CaseLink", "minWidth": 130, "flex": 2},
    {"field": "loss", "headerName": "Expected loss", **RIGHT, "minWidth": 118},
    {"field": "amount", "headerName": "Amount", **RIGHT, "minWidth": 118},
    {"field": "score", "headerName": "Score", **RIGHT, "minWidth": 62},
    {"field": "decision", "headerName": "Decision", "minWidth": 90},
    {"field": "age", "headerName": "Age", **RIGHT, "minWidth": 66},
    {"field": "customer", "headerName": "Customer", "minWidth": 84},
    {"field": "terminal", "headerName": "Terminal", "minWidth": 84},
    {"field": "state", "headerName": "State", "minWidth": 112, "flex": 1.6},
    {"field": "holder", "headerName": "Taken by", "minWidth": 130, "flex": 1.8},
)


def layout(view: View, session: Session) -> Component:
    """
    Raises:
        BadSetting: the address names no queue.
    """
    filters, may_act = filters_of(view), session.may(WRITES)
    return html.Div(
        [
            heading("Reviews"),
            dmc.Paper(
                dmc.Stack([filter_bar(filters), saved_views()], gap="xs"), p="sm", withBorder=True, mb="sm"
            ),
            _actions(may_act),
            html.Div(id="reviews-outcomes", role="status"),
            html.Div(_grid(may_act), role="region", className="reviews-grid", **{"aria-label": "Open cases"}),
            _pager(view, filters),
            *([bulk_modal()] if may_act else []),
            keys_sheet(),
        ]
    )


def _actions(may_act: bool) -> Component:
    close = dmc.Button("Close selected…", id="reviews-bulk-open", size="xs", disabled=True)
    return dmc.Group(
        [
            *([close] if may_act else []),
            dmc.Button(
                "Next case (n)", id="reviews-next", variant="default" if may_act else "filled", size="xs"
            ),
            dmc.Button("Keys (?)", id="reviews-keys", variant="default", size="xs"),
            dmc.Text("", id="reviews-count", size="sm", **{"aria-live": "polite"}),
        ],
        gap="xs",
        mb="xs",
    )


def _grid(may_act: bool) -> Component:
    selecting = {
        "mode": "multiRow",
        "checkboxes": True,
        "headerCheckbox": True,
        "enableClickSelection": False,
    }
    return dag.AgGrid(
        id="reviews-grid",
        columnDefs=[dict(column) for column in COLUMNS],
        defaultColDef={"sortable": False, "resizable": True, "suppressMovable": True, "flex": 1},
        # By it a row that comes again keeps its selection, and the table its place.
        getRowId="params.data.id",
        dashGridOptions={
            **({"rowSelection": selecting} if may_act else {}),
            "theme": {"function": THEME},
            "animateRows": False,
            "ensureDomOrder": True,
            "localeText": {
                "noRowsToShow": "No case fits. Take a filter away, or wait for the next one.",
                "loadingOoo": "Asking for cases…",
            },
        },
        style={"height": "62vh", "minHeight": 320},
    )


def _pager(view: View, filters: Filters) -> Component:
    first = dcc.Link("First page", href=address_of(None, view, cursor=None), id="reviews-first")
    return dmc.Group(
        [
            *([first] if filters.cursor else []),
            dcc.Link("Next page", href=address_of(None, view), id="reviews-more", style=HIDDEN),
        ],
        gap="md",
        mt="xs",
    )


async def ask(asking: Asking, view: View) -> Any:
    filters = filters_of(view)
    page = await queue(asking, filters, CASES_ON_A_PAGE, FRESH_S)
    return {"page": page, "now": asking.now(), "me": actor_of(asking.session.name)}


def show(told: Any, view: View) -> Updates:
    page, now, me = told["page"], told["now"], told["me"]
    more = page["next_cursor"]
    return {
        ("reviews-grid", "rowData"): [_row(case, view, now, me) for case in page["items"]],
        ("reviews-count", "children"): _counted(page, me),
        ("reviews-more", "style"): {} if more else HIDDEN,
        ("reviews-more", "href"): address_of(None, view, **{CURSOR: more}),
    }


def _row(case: Document, view: View, now: datetime, me: str) -> dict[str, Any]:
    return {
        "id": case["transaction_id"],
        "href": address_of(case["transaction_id"], view),
        "loss": amount(case["expected_loss_minor"], case["currency"]),
        "amount": amount(case["amount_minor"], case["currency"]),
        "score": f"{case['score']:.3f}",
        "decision": DECISIONS[case["decision"]],
        "age": age(case["decided_at"], now),
        "customer": case["customer_id"],
        "terminal": case["terminal_id"],
        "state": _state(case, view, now),
        "holder": _holder(case, view, now, me),
    }


def _state(case: Document, view: View, now: datetime) -> str:
    words = ["▲ escalated"] if case["escalated"] else []
    if lies_ahead(case["snoozed_until"], now):
        words.append(f"z snoozed until {clock(case['snoozed_until'], now, view.timezone())}")
    return ", ".join(words) or "open"


def _holder(case: Document, view: View, now: datetime, me: str) -> str:
    if case["held_by"] is None:
        return NOTHING
    who = "you" if case["held_by"] == me else person(case["held_by"])
    return f"{who} until {clock(case['held_until'], now, view.timezone())}"


def _counted(page: Document, me: str) -> str:
    cases = page["items"]
    taken = sum(case["held_by"] not in (None, me) for case in cases)
    mine = sum(case["held_by"] == me for case in cases)
    loss = sum(case["expected_loss_minor"] for case in cases)
    words = [f"{count(len(cases))} case{'' if len(cases) == 1 else 's'} here"]
    words += [f"expected loss {amount(loss, cases[0]['currency'])}"] if cases else []
    words += [f"{mine} yours"] if mine else []
    words += [f"{taken} taken by others"] if taken else []
    words += ["more on the next page"] if page["next_cursor"] else []
    return " · ".join(words)
