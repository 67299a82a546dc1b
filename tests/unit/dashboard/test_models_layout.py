"""The page Models before anything is told: its places, its actions, its scripts."""

import asyncio
from typing import Any

import httpx
from starlette.types import ASGIApp

from dashboard.gateway import GatewayClient
from dashboard.pages.models import MODELS
from tests.unit.dashboard.conftest import Clock
from tests.unit.dashboard.fake_gateway import FakeGateway
from tests.unit.dashboard.model_answers import ADA, VIC, asking_of, shown, tell, view_at


def test_every_place_that_is_filled_is_in_the_layout(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    tell(gateway)
    layout = MODELS.layout(view_at(), VIC)
    known = {getattr(each, "id", None) for each in layout._traverse()}
    assert {component for component, _ in shown(asking_of(client, clock))} <= known


def test_only_who_may_is_shown_actions() -> None:
    names = {
        session.role: {
            str(each.id) for each in MODELS.layout(view_at(), session)._traverse() if hasattr(each, "id")
        }
        for session in (VIC, ADA)
    }
    actions = names["admin"] - names["viewer"]
    kinds = ("promote", "rollback", "shares", "policy")
    assert {f"models-{kind}-{part}" for kind in kinds for part in ("open", "dialog", "do")} <= actions


def test_a_page_that_is_opened_first_has_the_monitors_scripts(
    anybody: httpx.AsyncClient, monitor: ASGIApp
) -> None:
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, str]:
        return next(told)

    async def send(message: Any) -> None:
        pass

    async def ask() -> str:
        await monitor({"type": "lifespan"}, receive, send)
        form = {"name": "vic", "password": "right"}
        signed = await anybody.post("/sign-in", data=form)
        cookie = signed.headers["set-cookie"].partition(";")[0]
        page = await anybody.get("/models", headers={"Cookie": cookie, "Accept": "text/html"})
        return page.text

    page = asyncio.run(ask())
    assert "assets/monitor.js" in page
    assert "assets/models.js" in page
