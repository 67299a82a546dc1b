"""Partitions: how far each is settled, what waits in it, and whether it moves."""

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import card
from dashboard.faults import MOST_LAG, STANDS_S
from dashboard.grids import bar, bar_column, column, grid
from dashboard.headway import HOLES, OVER_S, Way
from dashboard.page import Page, Updates
from dashboard.recent import recent_of
from dashboard.sessions import Session
from dashboard.view import View
from dashboard.wording import NOTHING, count, seconds

NUMBER = {
    "type": "numericColumn",
    "valueFormatter": {"function": "params.value == null ? '–' : d3.format(',')(params.value)"},
}
COLUMNS = (
    column("topic", "Topic", 120),
    column("partition", "Partition", 90, type="numericColumn"),
    bar_column("lag", f"Lag (bar: of {count(MOST_LAG)})"),
    column("words", "How it stands", 230, flex=2),
    column("pace", "Settled per second", 130),
    column("settled", "Settled", 120, **NUMBER),
    column("committed", "Committed", 120, **NUMBER),
    column("end", "End of the log", 120, **NUMBER),
)


def layout(view: View, session: Session) -> Component:
    return card(
        "Partitions",
        grid(
            "partitions-all", "Partitions and their lag", COLUMNS, "No partition is known yet.", row_id="key"
        ),
        html.Div(id="partitions-sum", role="status", className="said"),
        note="Lag: offsets of the log that the ledger has not settled; at the end "
        f"up to {HOLES} may be no records, but ends of transactions. Whether one stands still is known once "
        f"somebody has looked for {STANDS_S:.0f} s; the pace is that of the last {OVER_S:.0f} s.",
    )


async def ask(asking: Asking, view: View) -> Any:
    return await recent_of(asking)


def show(told: Any, view: View) -> Updates:
    lanes = told.stats["partitions"]
    rows = [_row(lane, told.ways[lane["topic"], lane["partition"]]) for lane in lanes]
    return {("partitions-all", "rowData"): rows, ("partitions-sum", "children"): _sum(rows)}


def _row(lane: Mapping[str, Any], way: Way) -> dict[str, Any]:
    lag = lane["lag"]
    return {
        "key": f"{lane['topic']} {lane['partition']}",
        **{name: lane[name] for name in ("topic", "partition", "settled", "committed", "end")},
        **bar("lag", lag, MOST_LAG, NOTHING if lag is None else count(lag)),
        "words": standing(lag, way),
        "pace": NOTHING if way.settled_per_s is None else count(way.settled_per_s),
    }


def standing(lag: int | None, way: Way) -> str:
    """How a partition stands, in words."""
    if lag is None:
        return "▲ Kafka cannot be asked"
    if way.still_s >= STANDS_S:
        return f"▲ stands still for {seconds(round(way.still_s, -1))}"
    if lag <= HOLES:
        return "✓ all is settled"
    if way.grows:
        return "◆ falls behind"
    if way.settled_per_s:
        return f"✓ moves, {seconds(lag / way.settled_per_s)} behind"
    return "waits"


def _sum(rows: list[dict[str, Any]]) -> str:
    standing_still = [row["key"] for row in rows if "stands still" in row["words"]]
    if not rows:
        return ""
    return f"▲ Stand still: {', '.join(standing_still)}." if standing_still else "✓ None stands still."


PARTITIONS = Page("Partitions", layout, ask, show)
