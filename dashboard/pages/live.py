"""Live: what is decided, how fast, and whether anything is wrong."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.asking import Asking
from dashboard.cards import Tile, card, heading, on_tile, table, tiles
from dashboard.fault_banner import fault_banner, on_fault_banner
from dashboard.live_figures import (
    GOAL_P50_S,
    GOAL_P99_S,
    alerts_chart,
    filled,
    latency_chart,
    of_stream,
    rate_chart,
)
from dashboard.page import Page, Updates
from dashboard.recent import recent_of
from dashboard.sessions import Session
from dashboard.view import Span, View
from dashboard.wording import NOTHING, ago, count, seconds, share

TILES = (
    Tile("rate", "Transactions per second"),
    Tile("alerts", "Reviews and declines"),
    Tile("latency", "Latency p50 · p99, last 3 min"),
    Tile("lag", "Records waiting now"),
    Tile("letters", "Dead letters"),
    Tile("degraded", "Degraded decisions"),
)
Document = Mapping[str, Any]


def layout(view: View, session: Session) -> Component:
    latency_note = "From the broker's timestamp to the committed decision; dashed: the goals."
    cards = [
        card("Transactions per second", rate_chart(view.dark)),
        card("Reviews and declines", alerts_chart(view.dark)),
        card("Latency of the stream", latency_chart(view.dark), note=latency_note),
        card("What decides now", html.Div(id="live-rules")),
        card("State now", html.Div(id="live-state")),
        card("By variant and path", html.Div(id="live-cells")),
    ]
    return html.Div(
        [
            heading("Live"),
            dcc.Store(id="live-counted"),
            fault_banner("live"),
            tiles(TILES),
            dmc.SimpleGrid(cards, cols={"base": 1, "lg": 2}, spacing="sm", mt="sm"),
        ]
    )


async def ask(asking: Asking, view: View) -> Any:
    now = asking.now()
    span = view.span(now)
    whole, recent = await asyncio.gather(
        _stats(asking, span, fresh_s=1.0 if span.until - span.since <= timedelta(hours=6) else 10.0),
        recent_of(asking),
    )
    minutes = {point["at"]: point["decisions"] for point in recent.stats["points"]}
    return {
        "whole": whole,
        "recent": recent,
        "pace": None if view.is_fixed else asking.pace.of(minutes, recent.now.timestamp()),
    }


async def _stats(asking: Asking, span: Span, fresh_s: float) -> Any:
    """Of whole minutes, so that all who look ask the same."""
    since, until = span.since.replace(second=0, microsecond=0), _next_minute(span.until)
    asked = {"from": _text(since), "to": _text(until)}
    return await asking.get("/v1/stats", asked, fresh_s=fresh_s)


def _next_minute(at: datetime) -> datetime:
    """The beginning of a minute ends the one before."""
    begun = at.replace(second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(minutes=1)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show(told: Any, view: View) -> Updates:
    whole, recent, now = told["whole"], told["recent"], told["recent"].now
    return {
        **on_fault_banner("live", recent),
        **_tiles(whole, recent.stats, told["pace"], now),
        **filled(whole, view, now),
        ("live-counted", "data"): int(now.timestamp() * 1000),
        ("live-rules", "children"): _rules(whole["in_force"]),
        ("live-state", "children"): _state(whole, now),
        ("live-cells", "children"): _cells(whole["points"]),
    }


def _tiles(whole: Document, recent: Document, pace: float | None, now: datetime) -> Updates:
    kinds = _kinds(whole["points"])
    alerts = kinds["review"] + kinds["decline"]
    stream = of_stream(recent["latency"])
    lag = [lane["lag"] for lane in whole["partitions"]]
    letters = sum(each["count"] for each in whole["dead_letters"])
    degraded = sum(_size(cell) for cell in _all_cells(whole["points"]) if cell["degraded_reason"])
    slow = stream is not None and (stream["p50_s"] > GOAL_P50_S or stream["p99_s"] > GOAL_P99_S)
    return {
        **on_tile(
            "rate", NOTHING if pace is None else count(pace), f"{count(whole['decisions'])} in this time"
        ),
        **on_tile("alerts", count(alerts), f"{share(whole['alert_rate'])} of all"),
        **on_tile(
            "latency",
            f"{seconds(stream['p50_s'])} · {seconds(stream['p99_s'])}" if stream else NOTHING,
            f"goal {seconds(GOAL_P50_S)} · {seconds(GOAL_P99_S)}",
            "plain" if stream is None else "bad" if slow else "good",
        ),
        **(
            on_tile("lag", NOTHING, "Kafka cannot be asked", "bad")
            if None in lag
            else on_tile("lag", count(sum(lag)), f"over {len(lag)} partitions")
        ),
        **on_tile(
            "letters", count(letters), "see Operations" if letters else "none", "bad" if letters else "good"
        ),
        **on_tile("degraded", count(degraded), _reasons(whole), "bad" if degraded else "good"),
    }


def _all_cells(points: Sequence[Document]) -> list[Document]:
    return [cell for point in points for cell in point["cells"]]


def _size(cell: Document) -> int:
    return int(cell["approve"] + cell["review"] + cell["decline"])


def _kinds(points: Sequence[Document]) -> dict[str, int]:
    cells = _all_cells(points)
    return {kind: sum(cell[kind] for cell in cells) for kind in ("approve", "review", "decline")}


def _reasons(whole: Document) -> str:
    reasons = sorted({cell["degraded_reason"] for cell in _all_cells(whole["points"])} - {None})
    return ", ".join(reasons) or "none"


def _rules(rules: Document | None) -> Component:
    if rules is None:
        return dmc.Text("No model is in force: decisions are made by the amount alone.", size="sm")
    rows = [
        (each["variant"], share(each["share"]), f"{each['model_name']} v{each['model_version']}")
        for each in rules["variants"]
    ]
    words = f"Policy {rules['policy_version']} · split {rules['ab_version']}"
    return html.Div([dmc.Text(words, size="sm", mb="xs"), table(("Variant", "Share", "Model"), rows, "")])


def _state(whole: Document, now: datetime) -> Component:
    return table(
        ("What", "How it stands"),
        [
            ("Reconcile", _reconciled(whole["reconcile"], now)),
            ("Answers without a record", _waits(whole["unclaimed_answers"], now)),
            ("Labels that wait for their transaction", _waits(whole["parked_labels"], now)),
            ("Cannot be asked", ", ".join(whole["unavailable"]) or "✓ nothing"),
        ],
        "",
    )


def _reconciled(last: Document | None, now: datetime) -> str:
    if last is None:
        return "no round has ended yet"
    found = last["findings"]
    return f"{'✓' if not found else '▲'} {count(found)} findings, {ago(last['finished_at'], now)}"


def _waits(waiting: Document, now: datetime) -> str:
    if not waiting["count"]:
        return "✓ none"
    return (
        f"{count(waiting['count'])}, the oldest since {ago(waiting['oldest_at'], now).removesuffix(' ago')}"
    )


def _cells(points: Sequence[Document]) -> Component:
    summed: dict[tuple[str, str], list[int]] = {}
    for cell in _all_cells(points):
        into = summed.setdefault((cell["variant"], cell["path"]), [0, 0, 0])
        for place, kind in enumerate(("approve", "review", "decline")):
            into[place] += cell[kind]
    rows = [(*names, *map(count, of)) for names, of in sorted(summed.items())]
    head = ("Variant", "Path", "Approve", "Review", "Decline")
    return table(head, rows, "Nothing was decided in this time. Choose a longer one above.")


LIVE = Page("Live", layout, ask, show)
