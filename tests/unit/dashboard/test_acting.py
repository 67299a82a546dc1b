"""What is done in a dialog passes through the app: who is signed in asks, and hears what came of it."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message

from dashboard.app import build_app
from dashboard.gateway import GatewayClient
from dashboard.metrics import MonitorMetrics
from dashboard.proxied import NamedByProxy
from tests.unit.dashboard.asked import NOW
from tests.unit.dashboard.fake_gateway import FakeGateway, problem

ORIGIN = "https://monitor"
ROWS = [{"name": "ann", "role": "analyst"}]


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway({"admin": "admin", "vic": "viewer"})


class Browser:
    """Keeps its cookies."""

    def __init__(self, app: ASGIApp) -> None:
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})

    def get(self, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._client.get(path, **how))

    def post(self, path: str, **how: Any) -> httpx.Response:
        return asyncio.run(self._client.post(path, **how))


@pytest.fixture
def monitor(gateway: FakeGateway) -> Browser:
    client = GatewayClient("http://gateway", "key", gateway.transport)
    app = build_app(
        client,
        origins=[],
        proxied=NamedByProxy("", ""),
        now=lambda: NOW,
        clock=lambda: 0.0,
        metrics=MonitorMetrics(CollectorRegistry()),
    )
    asyncio.run(_started(app))
    return Browser(app)


async def _started(app: ASGIApp) -> None:
    """Pages have their paths once a server has told the app that it starts."""
    told = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        return {"type": next(told)}

    async def send(message: Message) -> None:
        assert message["type"].endswith(".complete")

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


def _sign_in(monitor: Browser, name: str) -> None:
    answer = monitor.post("/sign-in", data={"name": name, "password": "right"})
    assert answer.status_code == 303


def _press(monitor: Browser, button: str, *, status: int = 200, **values: Any) -> dict[str, Any]:
    """status: expected. values: of other inputs of the same callback, by component, `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in values.items()}
    callbacks = monitor.get("/_dash-dependencies").json()
    (callback,) = (each for each in callbacks if [put["id"] for put in each["inputs"]] == [button])
    told = {**given, button: 1}
    body = {
        "output": callback["output"],
        "outputs": [_place(text) for text in callback["output"].strip(".").split("...")],
        "changedPropIds": [f"{button}.n_clicks"],
        "inputs": [{**put, "value": told[put["id"]]} for put in callback["inputs"]],
        "state": [{**put, "value": told.get(put["id"])} for put in callback["state"]],
    }
    answer = monitor.post("/_dash-update-component", json=body)
    assert answer.status_code == status
    found: dict[str, Any] = answer.json()
    return found


def _place(text: str) -> dict[str, str]:
    component, _, name = text.rpartition(".")
    return {"id": component, "property": name}


def test_the_first_page_that_is_asked_for_has_its_scripts_wherever_it_is(monitor: Browser) -> None:
    _sign_in(monitor, "admin")
    page = monitor.get("/operations?tab=audit", headers={"Accept": "text/html"}).text
    assert "assets/monitor.js" in page
    assert "assets/grids.js" in page


def test_what_is_done_is_asked_by_whoever_is_signed_in_and_told(
    monitor: Browser, gateway: FakeGateway
) -> None:
    gateway.answers["POST", "/v1/users/ann/disable"] = lambda request: {"name": "ann"}
    _sign_in(monitor, "admin")
    told = _press(monitor, "people-disable-do", people_all=ROWS, people_disable_why="has left")
    assert told["response"]["people-disable-dialog"] == {"opened": False}
    (notice,) = told["response"]["notices"]["sendNotifications"]
    assert notice["message"] == "ann is shut out."
    assert told["sideUpdate"]["people-disable-why"] == {"value": ""}
    assert gateway.asked[-1].headers["X-User-Token"].startswith("admin:")


def test_what_the_gateway_refuses_is_told_in_the_dialog(monitor: Browser, gateway: FakeGateway) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return problem(409, "misuse", "It cannot be done as things stand", "ann is the last admin")

    gateway.answers["POST", "/v1/users/ann/disable"] = refuse
    _sign_in(monitor, "admin")
    told = _press(monitor, "people-disable-do", people_all=ROWS, people_disable_why="has left")
    assert told["response"].keys() == {"people-disable-refused"}
    assert "ann is the last admin" in json.dumps(told)


@pytest.mark.parametrize("rows", [None, [], "ann", [7]])
def test_what_needs_a_row_is_not_done_without_one(monitor: Browser, gateway: FakeGateway, rows: Any) -> None:
    _sign_in(monitor, "admin")
    told = _press(monitor, "people-disable-do", people_all=rows, people_disable_why="has left")
    assert "no row is chosen" in json.dumps(told)
    assert not any(path.startswith("/v1/users") for path in gateway.paths())


def test_a_viewer_who_sends_what_admins_do_is_refused_by_the_gateway(
    monitor: Browser, gateway: FakeGateway
) -> None:
    gateway.answers["POST", "/v1/users/ann/disable"] = lambda request: problem(403, "forbidden", "No")
    _sign_in(monitor, "vic")
    told = _press(monitor, "people-disable-do", status=403, people_all=ROWS, people_disable_why="has left")
    assert "your role may not do this" in json.dumps(told)


def test_a_dialog_opens_empty_and_says_whom_it_is_about(monitor: Browser) -> None:
    _sign_in(monitor, "admin")
    told = _press(monitor, "people-reset-open", people_all=[{**ROWS[0], "state": "✓ active"}])
    assert told["response"]["people-reset-dialog"] == {"opened": True}
    assert told["response"]["people-reset-about"] == {"children": "ann · analyst · ✓ active"}
    assert told["response"]["people-reset-password"] == {"value": ""}


def test_the_secret_of_a_key_is_gone_once_it_is_kept(monitor: Browser) -> None:
    _sign_in(monitor, "admin")
    told = _press(monitor, "keys-kept")
    assert told["response"] == {"keys-secret-dialog": {"opened": False}, "keys-secret": {"children": None}}


def test_nothing_is_done_by_a_page_of_somebody_else(monitor: Browser, gateway: FakeGateway) -> None:
    _sign_in(monitor, "admin")
    answer = monitor.post("/_dash-update-component", json={}, headers={"Origin": "https://evil"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("status", "title"),
    [(409, "▲ Not done"), (503, "▲ Nobody knows whether it is done")],
)
def test_an_outcome_that_nobody_knows_is_told_as_that(
    monitor: Browser, gateway: FakeGateway, status: int, title: str
) -> None:
    gateway.answers["POST", "/v1/users/ann/disable"] = lambda request: problem(status, "x", "No")
    _sign_in(monitor, "admin")
    told = _press(monitor, "people-disable-do", people_all=ROWS, people_disable_why="has left")
    assert title in json.dumps(told, ensure_ascii=False)
