"""News over the socket: what has changed, and nothing else."""

import asyncio
from typing import Any

import dash_mantine_components as dmc
import pytest
from dash import Patch

from api.examples import STATISTICS
from api.shared_answers import SharedAnswers
from dashboard import news
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.news import News, Seat
from dashboard.pace import Pace
from dashboard.page import Page, Updates
from dashboard.pages.live import LIVE
from dashboard.routing import drawn_of
from dashboard.sessions import Session, Sessions
from dashboard.view import view_of
from models.errors import Unauthenticated
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway

ANN = Session("ann", "analyst", (), "ann:1", 600)


VIEW = {"path": "/", "search": "", "zone": "UTC", "dark": False}


class Socket:
    """A browser that shows one view. told: what it was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, Any]] = []

    async def get_prop(self, component: str, name: str, timeout_s: float) -> Any:
        return {"view": VIEW, "drawn": drawn_of(view_of(VIEW), LIVE)}[component]

    def set_prop_sync(self, component: str, name: str, value: Any) -> None:
        self.told.append((component, name, value))


def shown(words: str) -> Updates:
    figure = Patch()
    figure["data"][0]["x"] = [words]
    return {("table", "children"): [dmc.Text(words)], ("figure", "figure"): figure, ("plain", "children"): 1}


def told_of(client: GatewayClient, clock: Clock, monkeypatch: pytest.MonkeyPatch, *looks: str) -> list[str]:
    """The components that a browser is told of at the last look."""
    left = list(looks)

    async def ask(asking: Asking, view: Any) -> str:
        return left.pop(0)

    page = Page("A page", lambda view, session: dmc.Text(""), ask, lambda told, view: shown(told))
    monkeypatch.setattr(news, "page_at", lambda view: page)
    shared = SharedAnswers(clock)
    looking = News(
        lambda session: Asking(client, shared, session, Pace(), lambda: NOW),
        Sessions(client, clock),
        clock,
        lambda: NOW,
    )
    socket = Socket()
    seat = Seat(socket, ANN, clock())

    async def look() -> None:
        for _ in looks:
            socket.told.clear()
            await looking._tell(seat)

    asyncio.run(look())
    return [component for component, *_ in socket.told if component in ("table", "figure", "plain")]


def test_at_first_all_is_told(client: GatewayClient, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told_of(client, clock, monkeypatch, "a") == ["table", "figure", "plain"]


def test_what_says_the_same_is_not_told_again(
    client: GatewayClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told_of(client, clock, monkeypatch, "a", "a") == []


def test_what_has_changed_is_told(
    client: GatewayClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told_of(client, clock, monkeypatch, "a", "b") == ["table", "figure"]


def test_who_is_shut_out_is_told_nothing_more_though_others_ask_the_same(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    """Of his colleague's answers either."""
    gateway.answers["GET", "/v1/stats"] = lambda request: STATISTICS
    shared, sessions = SharedAnswers(clock), Sessions(client, clock)
    looking = News(
        lambda session: Asking(client, shared, session, Pace(), lambda: NOW), sessions, clock, lambda: NOW
    )

    async def look() -> None:
        seats = [Seat(Socket(), await sessions.sign_in(name, "right"), clock()) for name in ("vic", "vera")]
        for seat in seats:
            await looking._tell(seat)
        del gateway.people["vic"]
        clock.now_s += 31
        await looking._tell(seats[1])
        with pytest.raises(Unauthenticated):
            await looking._tell(seats[0])
        clock.now_s += 1
        await looking._tell(seats[1])  # and his colleague is

    gateway.people["vera"] = "viewer"
    asyncio.run(look())
