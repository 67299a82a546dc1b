"""The live page: what it asks, and what it says of the answer."""

import asyncio
from typing import Any

import httpx
import pytest

from api.examples import STATISTICS
from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.news import News
from dashboard.pace import Pace
from dashboard.page import Updates
from dashboard.pages import page_at
from dashboard.routing import drawn_of
from dashboard.sessions import Session, Sessions
from dashboard.view import view_of
from models.errors import FraudError, Unauthenticated
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem

ANN = Session("ann", "analyst", ("stats:read",), "ann:1", 600)
VIEW = {"path": "/", "search": "", "zone": "UTC", "dark": False}


@pytest.fixture
def news(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> News:
    gateway.answers["GET", "/v1/stats"] = lambda request: STATISTICS
    shared, pace = SharedAnswers(clock), Pace()
    return News(
        lambda session: Asking(client, shared, session, pace, lambda: NOW),
        Sessions(client, clock),
        clock,
        lambda: NOW,
    )


def told(news: News, view: Any = None) -> Updates:
    """Once the page is drawn."""
    return asyncio.run(_told(news, VIEW if view is None else view))


async def _told(news: News, document: Any) -> Updates:
    try:
        view = view_of(document)
        drawn = drawn_of(view, page_at(view))
    except FraudError:
        drawn = "the page before"
    return await news.of(document, ANN, drawn)


def spans(gateway: FakeGateway) -> list[tuple[str, str]]:
    return [(each.url.params["from"], each.url.params["to"]) for each in gateway.asked]


def test_it_asks_for_whole_minutes_that_hold_the_range(news: News, gateway: FakeGateway) -> None:
    told(news)
    assert spans(gateway) == [
        ("2026-03-01T11:00:00Z", "2026-03-01T12:01:00Z"),
        ("2026-03-01T11:57:00Z", "2026-03-01T12:01:00Z"),
    ]


def test_it_says_what_the_gateway_said(news: News) -> None:
    found = told(news)
    assert found["tile-alerts", "children"] == "150"
    assert found["news", "children"] == "Live · 12:00:30 UTC"
    assert found["page", "className"] == ""
    rate = found["live-rate", "figure"].to_plotly_json()["operations"]
    assert [operation["location"][:2] for operation in rate[:2]] == [["data", 0], ["data", 0]]


def test_while_the_gateway_is_away_what_was_told_stays_and_is_grey(news: News, gateway: FakeGateway) -> None:
    gateway.away = True
    found = told(news)
    assert found["page", "className"] == "stale"
    assert "tile-rate" not in {component for component, _ in found}
    banner = str(found["banner", "children"])
    assert "The gateway does not answer" in banner
    assert "tries again by itself" in banner


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (VIEW | {"search": "?range=1w"}, "The address says range=1w, which cannot be"),
        (VIEW | {"path": "/nowhere"}, "There is no page /nowhere"),
        ({"tampered": True}, "This view cannot be read"),
        ("tampered", "This view cannot be read"),
    ],
)
def test_a_view_that_cannot_be_is_told_what_can(news: News, view: Any, words: str) -> None:
    assert words in str(told(news, view)["banner", "children"])


def test_a_session_that_has_ended_ends_the_news(news: News, gateway: FakeGateway) -> None:
    del gateway.people["ann"]
    with pytest.raises(Unauthenticated):
        told(news)


def test_a_fixed_view_is_said_to_be_one(news: News, gateway: FakeGateway) -> None:
    found = told(news, VIEW | {"search": "?at=2026-02-01T00:00:00Z&range=15m"})
    assert found["news", "children"] == "Paused · 12:00:30 UTC"
    assert spans(gateway)[0] == ("2026-01-31T23:45:00Z", "2026-02-01T00:00:00Z")


def test_many_who_look_ask_once(news: News, gateway: FakeGateway) -> None:
    async def look() -> None:
        await asyncio.gather(*(_told(news, VIEW) for _ in range(10)))

    asyncio.run(look())
    assert len(gateway.asked) == 2


def test_an_answer_of_another_gateway_is_no_traceback(news: News, gateway: FakeGateway) -> None:
    gateway.answers["GET", "/v1/stats"] = lambda request: httpx.Response(502, text="<html>")
    assert told(news)["page", "className"] == "stale"


def test_what_a_role_may_not_see_is_said_and_nobody_is_signed_out(news: News, gateway: FakeGateway) -> None:
    gateway.answers["GET", "/v1/stats"] = lambda request: problem(403, "forbidden", "The key may not do this")
    assert "Your role may not do this" in str(told(news)["banner", "children"])


def test_an_answer_that_nobody_expected_is_a_fault_that_is_said(news: News, gateway: FakeGateway) -> None:
    gateway.answers["GET", "/v1/stats"] = lambda request: {"surprise": True}
    found = told(news)
    assert found["page", "className"] == "stale"
    assert "a fault of ours" in str(found["banner", "children"])


def test_where_nothing_was_decided_the_lines_go_to_zero(news: News, gateway: FakeGateway) -> None:
    counted = {"from": "2018-06-01T03:00:00Z", "to": "2018-06-01T04:00:00Z", "interval_s": 900}
    gateway.answers["GET", "/v1/stats"] = lambda request: STATISTICS | counted | {"points": []}
    operations = told(news)["live-rate", "figure"].to_plotly_json()["operations"]
    x, y = (operation["params"]["value"] for operation in operations[:2])
    assert x == [f"2018-06-01T03:{minute:02d}:00" for minute in (0, 15, 30, 45)]
    assert y == [0, 0, 0, 0]


def test_what_is_not_drawn_yet_is_told_nothing(news: News, gateway: FakeGateway) -> None:
    assert asyncio.run(news.of(VIEW, ANN, "another page")) == {}
    assert asyncio.run(news.of({"tampered": True}, ANN, None)) == {}
    assert gateway.asked == []
