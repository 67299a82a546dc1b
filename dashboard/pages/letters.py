"""Dead letters: how many, what they hold, masked, and sending them again."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card, table
from dashboard.choosing import add_choices
from dashboard.gateway import Parameters
from dashboard.grids import chosen_row, column, grid
from dashboard.page import Page, Updates
from dashboard.pages.replaying import add_replaying, replaying
from dashboard.pages.wanted_letters import LETTERS_S, SINCE, TOPICS, chosen_in, wanted_of
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import count, moment

MOST_SHOWN = 100
# Counting reads whole topics: the page goes on meanwhile, and asks seldom.
COUNTS_FRESH_S, NEWEST_FRESH_S = 60.0, 15.0
PATIENCE_S = 1.5
COLUMNS = (
    column("time", "When", 165),
    column("topic", "Topic", 110),
    column("place", "Place", 100),
    column("reason", "Reason", 130),
    column("detail", "What is wrong", 200, tooltipField="detail", flex=2),
    column("holds", "Holds (masked)", 260, tooltipField="holds", flex=3),
    column("bytes", "Bytes", 80, type="numericColumn"),
)


def layout(view: View, session: Session) -> Component:
    return html.Div(
        [
            _filters(chosen_in(view)),
            card(
                "How many",
                html.Div(id="letters-counts"),
                note="All dead letters, counted once a minute. Sent again: those that the ledger knows of.",
            ),
            html.Div(replaying() if session.may("letters:admin") else None, id="letters-replaying"),
            card(
                "The newest",
                grid(
                    "letters-newest",
                    "The newest dead letters",
                    COLUMNS,
                    "No dead letter is like that.",
                    row_id="key",
                    chosen=True,
                ),
                html.Div(id="letters-one", role="status"),
                note=f"The last {MOST_SHOWN} of each partition at most. Numbers are shown as their type, "
                "texts with their last two signs. Choose one to see all of it.",
            ),
        ],
        className="stacked",
    )


def _filters(chosen: Mapping[str, str | None]) -> Component:
    reason, usual = chosen["reason"], {"size": "xs", "clearable": True, "w": 180}
    return dmc.Group(
        [
            dmc.Select(
                id="letters-topic",
                label="Topic",
                data=list(TOPICS),
                value=chosen["topic"],
                placeholder="both",
                **usual,
            ),
            dmc.Select(
                id="letters-reason",
                label="Reason",
                data=[reason] if reason else [],
                value=reason,
                placeholder="any",
                searchable=True,
                **usual,
            ),
            dmc.Select(
                id="letters-since",
                label="Came",
                data=[{"value": name, "label": f"in the last {name}"} for name in SINCE],
                value=chosen["since"],
                placeholder="at any time",
                **usual,
            ),
        ],
        gap="sm",
    )


async def ask(asking: Asking, view: View) -> Any:
    wanted = wanted_of(view, asking.now())
    newest = asking.get(
        "/v1/dead-letters", {**wanted, "limit": MOST_SHOWN}, fresh_s=NEWEST_FRESH_S, within_s=LETTERS_S
    )
    of_all = {name: value for name, value in wanted.items() if name != "reason"}
    found = await asyncio.gather(_so_far(newest), _so_far(_counts(asking, of_all)))
    return dict(zip(("newest", "counts"), found, strict=True))


async def _counts(asking: Asking, wanted: Parameters) -> Any:
    return await asking.get("/v1/dead-letters/counts", wanted, fresh_s=COUNTS_FRESH_S, within_s=LETTERS_S)


async def _so_far(asked: Any) -> Any:
    """What is told in a moment; None while it is on its way, as the next look hears it."""
    try:
        return await asyncio.wait_for(asked, PATIENCE_S)
    except TimeoutError:
        return None


def show(told: Any, view: View) -> Updates:
    updates: dict[tuple[str, str], Any] = {}
    if told["counts"] is None:
        updates["letters-counts", "children"] = dmc.Text(
            "Dead letters are being counted …", size="sm", c="dimmed"
        )
    else:
        counts = told["counts"]["counts"]
        reasons = {each["reason"] for each in counts} | {view.query.get("reason")} - {None}
        updates["letters-counts", "children"] = _counted(counts, view)
        updates["letters-reason", "data"] = sorted(reasons)
    if told["newest"] is not None:
        updates["letters-newest", "rowData"] = [_row(each, view) for each in told["newest"]["letters"]]
    return updates


def _counted(counts: list[Mapping[str, Any]], view: View) -> Component:
    zone = view.timezone()
    rows = [
        (
            each["topic"],
            each["reason"],
            count(each["letters"]),
            count(each["replayed"]),
            ", ".join(map(str, each["partitions"])),
            moment(each["first"], zone),
            moment(each["last"], zone),
        )
        for each in counts
    ]
    head = ("Topic", "Reason", "Letters", "Sent again", "Partitions", "First", "Last")
    return table(head, rows, "✓ There are none.", "Dead letters by topic and reason")


def _row(letter: Mapping[str, Any], view: View) -> dict[str, Any]:
    place = f"{letter['partition']} @ {letter['offset']}"
    return {
        "key": f"{letter['topic']} {place}",
        "time": moment(letter["time"], view.timezone()),
        "topic": letter["topic"],
        "place": place,
        "reason": letter["reason"],
        "detail": letter["detail"],
        "holds": json.dumps(letter["payload"], ensure_ascii=False),
        "bytes": letter["bytes"],
    }


def act(app: Dash, asking: Callable[[], Asking]) -> None:
    add_choices(app, "/operations", topic="letters-topic", reason="letters-reason", since="letters-since")
    add_replaying(app, asking)

    @app.callback(
        Output("letters-one", "children"), Input("letters-newest", "selectedRows"), prevent_initial_call=True
    )
    def one(rows: Any) -> Any:
        return one_letter(rows)


def one_letter(rows: Any) -> Component | None:
    """All that may be seen of the letter that is chosen."""
    row = chosen_row(rows)
    if row is None:
        return None
    try:
        holds = json.dumps(json.loads(str(row.get("holds"))), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    told = dmc.Text(f"{row.get('key')}: {row.get('detail')}", size="sm", fw=600, mt="sm")
    return html.Div([told, dmc.Code(holds, block=True)])


LETTERS = Page("Dead letters", layout, ask, show, act)
