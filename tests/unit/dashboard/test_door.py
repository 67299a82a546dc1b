"""Nothing of the monitor is told to anybody who has not signed in, and nothing acts but its own pages."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import pytest
from starlette.types import ASGIApp, Message

from dashboard.door import COOKIE, OPEN, Door
from dashboard.gateway import GatewayClient
from dashboard.sessions import Session
from tests.unit.dashboard.conftest import ORIGIN, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway

PAGE = {"Accept": "text/html"}
CALLBACK = {"output": "page.children", "outputs": {"id": "page", "property": "children"}, "inputs": []}


T = TypeVar("T")


def run(awaited: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(awaited)


async def signed_in(anybody: httpx.AsyncClient, name: str = "ann") -> dict[str, str]:
    """The headers of somebody who has signed in."""
    answer = await anybody.post("/sign-in", data={"name": name, "password": "right", "next": "/"})
    assert answer.status_code == 303
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def routes_of(monitor: ASGIApp) -> list[tuple[str, str]]:
    assert isinstance(monitor, Door)
    return sorted(
        (method, route.path)
        for route in monitor._app.routes  # type: ignore[attr-defined]
        for method in getattr(route, "methods", None) or ["GET"]
    )


async def begin(monitor: ASGIApp) -> None:
    """As a server does before the first request."""
    heard: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return heard.pop(0)

    async def send(message: Message) -> None:
        assert message["type"].endswith(".complete")

    await monitor({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


def test_whichever_page_is_asked_first_comes_with_its_scripts(
    monitor: ASGIApp, anybody: httpx.AsyncClient
) -> None:
    async def ask() -> str:
        await begin(monitor)
        return (await anybody.get("/reviews", headers=await signed_in(anybody))).text

    page = run(ask())
    assert "/assets/monitor.js" in page
    assert "/assets/reviews.js" in page


def test_no_route_answers_anybody_who_has_not_signed_in(monitor: ASGIApp, anybody: httpx.AsyncClient) -> None:
    async def ask() -> None:
        for method, path in [*routes_of(monitor), ("GET", "/"), ("GET", "/nowhere"), ("PUT", "/")]:
            if path in OPEN:
                continue
            answer = await anybody.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path)
            page = await anybody.get(path, headers=PAGE)
            assert (page.status_code, page.headers["location"][:14]) == (303, "/sign-in?next="), path

    assert len(routes_of(monitor)) > 8
    run(ask())


def test_callbacks_and_layout_of_dash_are_closed_too(anybody: httpx.AsyncClient) -> None:
    async def ask() -> None:
        for path in ("/_dash-layout", "/_dash-dependencies", "/_dash-component-suites/dash/deps/react.js"):
            assert (await anybody.get(path)).status_code == 401, path
        assert (await anybody.post("/_dash-update-component", json=CALLBACK)).status_code == 401

    run(ask())


@pytest.mark.parametrize(
    "origin",
    ["http://elsewhere", "https://monitor.example", "null", "", "http://monitor.example", "http://[", "none"],
)
def test_what_comes_from_another_page_may_not_act(anybody: httpx.AsyncClient, origin: str) -> None:
    async def ask() -> None:
        headers = await signed_in(anybody) | {"Origin": origin}
        for path in ("/_dash-update-component", "/sign-out", "/session", "/sign-in"):
            assert (await anybody.post(path, headers=headers, json={})).status_code == 403, path

    run(ask())


def test_a_proxys_own_name_for_us_may_act_where_it_is_set(anybody: httpx.AsyncClient) -> None:
    async def ask() -> int:
        headers = await signed_in(anybody) | {"Origin": "https://fraud.example"}
        return (await anybody.post("/session", headers=headers)).status_code

    assert run(ask()) == 200


def test_whoever_has_signed_in_gets_the_page_and_its_headers(anybody: httpx.AsyncClient) -> None:
    async def ask() -> httpx.Response:
        return await anybody.get("/", headers=await signed_in(anybody) | PAGE)

    page = run(ask())
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_frameworks_own_pages_are_not_served(anybody: httpx.AsyncClient, path: str) -> None:
    async def ask() -> httpx.Response:
        return await anybody.get(path, headers=await signed_in(anybody) | PAGE)

    text = run(ask()).text
    assert "swagger" not in text.lower()
    assert '"openapi"' not in text
    assert "redoc" not in text.lower().replace("/redoc", "")


def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(anybody: httpx.AsyncClient) -> None:
    async def ask() -> str:
        answer = await anybody.post("/sign-in", data={"name": "ann", "password": "right", "next": "/"})
        return str(answer.headers["set-cookie"])

    name, *words = run(ask()).split("; ")
    assert name.startswith(f"{COOKIE}=ann:")
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=600"} <= set(words)
    assert not [word for word in words if word.startswith("Domain")]


def test_a_wrong_password_says_so_and_lets_nobody_in(anybody: httpx.AsyncClient) -> None:
    async def ask() -> httpx.Response:
        wrong = {"name": '"><b>ann', "password": "wrong", "next": "/reviews?a=1"}
        return await anybody.post("/sign-in", data=wrong)

    answer = run(ask())
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "Name or password is wrong" in answer.text
    assert "<b>" not in answer.text
    assert 'value="/reviews?a=1"' in answer.text


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/reviews/tx-1?tz=local", "/reviews/tx-1?tz=local"),
        ("https://elsewhere/x", "/"),
        ("//elsewhere/x", "/"),
        ("/\\elsewhere", "/"),
        ("javascript:alert(1)", "/"),
        ("//[", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_is_where_one_wanted_to_be(
    anybody: httpx.AsyncClient, asked: str, led: str
) -> None:
    async def ask() -> str:
        answer = await anybody.post("/sign-in", data={"name": "ann", "password": "right", "next": asked})
        return str(answer.headers["location"])

    assert run(ask()) == led


def test_the_sign_in_asks_for_the_view_that_was_wanted(anybody: httpx.AsyncClient) -> None:
    async def ask() -> str:
        answer = await anybody.get("/reviews/tx-1?range=6h&tz=local", headers=PAGE)
        return str(answer.headers["location"])

    assert run(ask()) == "/sign-in?next=%2Freviews%2Ftx-1%3Frange%3D6h%26tz%3Dlocal"


def test_a_link_on_another_site_asks_once_more_with_the_cookie(anybody: httpx.AsyncClient) -> None:
    async def ask() -> httpx.Response:
        return await anybody.get("/reviews", headers=PAGE | {"Sec-Fetch-Site": "cross-site"})

    answer = run(ask())
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text


def test_who_signs_out_is_out(anybody: httpx.AsyncClient) -> None:
    async def ask() -> httpx.Response:
        return await anybody.post("/sign-out", headers=await signed_in(anybody))

    answer = run(ask())
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_while_the_gateway_is_away_nobody_new_is_let_in_and_nobody_is_thrown_out(
    gateway: FakeGateway, anybody: httpx.AsyncClient, clock: Clock
) -> None:
    async def ask() -> None:
        headers = await signed_in(anybody)
        gateway.away = True
        clock.now_s += 599
        assert (await anybody.get("/", headers=headers | PAGE)).status_code == 200
        clock.now_s += 2
        away = await anybody.get("/", headers=headers | PAGE)
        assert away.status_code == 503
        assert "does not answer" in away.text
        stranger = {"Cookie": f"{COOKIE}=ann:99"}
        assert (await anybody.get("/_dash-layout", headers=stranger)).status_code == 503
        refused = await anybody.post("/sign-in", data={"name": "ann", "password": "right"})
        assert refused.status_code == 503

    run(ask())


def test_somebody_who_is_shut_out_is_out_at_the_next_check(
    gateway: FakeGateway, anybody: httpx.AsyncClient, clock: Clock
) -> None:
    async def ask() -> None:
        headers = await signed_in(anybody)
        del gateway.people["ann"]
        clock.now_s += 31
        assert (await anybody.get("/_dash-layout", headers=headers)).status_code == 401

    run(ask())


def test_a_form_that_never_ends_is_not_read(anybody: httpx.AsyncClient) -> None:
    async def ask() -> int:
        big = {"name": "ann", "password": "right" + "x" * 10_000}
        return (await anybody.post("/sign-in", data=big)).status_code

    assert run(ask()) == 413


@pytest.mark.parametrize(
    "payload",
    [
        {"output": "nobody.children"},
        {"output": "..page.children...ask.data..", "inputs": "x", "outputs": [], "changedPropIds": []},
        {"nonsense": True},
        [],
        "text",
    ],
)
def test_a_tampered_payload_is_told_so_and_no_traceback(anybody: httpx.AsyncClient, payload: Any) -> None:
    async def ask() -> httpx.Response:
        return await anybody.post("/_dash-update-component", json=payload, headers=await signed_in(anybody))

    answer = run(ask())
    assert answer.status_code in (400, 422, 500)
    assert "Traceback" not in answer.text
    assert 'File "' not in answer.text
    assert len(answer.text) < 500


def test_a_socket_opens_for_nobody_unknown_and_for_no_other_page(monitor: ASGIApp) -> None:
    def knock(headers: dict[str, str]) -> list[Message]:
        heard: list[Message] = []

        async def send(message: Message) -> None:
            heard.append(message)

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "websocket",
            "path": "/_dash-ws-callback",
            "raw_path": b"/_dash-ws-callback",
            "root_path": "",
            "query_string": b"",
            "headers": raw,
        }
        asyncio.run(monitor(scope, receive, send))  # type: ignore[arg-type]
        return heard

    refused = [{"type": "websocket.close", "code": 1008}]
    assert knock({"host": "monitor", "origin": ORIGIN}) == refused
    assert knock({"host": "monitor", "origin": "http://elsewhere", "cookie": f"{COOKIE}=ann:1"}) == refused
    assert knock({"host": "monitor", "cookie": f"{COOKIE}=ann:1"}) == refused


def test_the_probes_are_open_and_say_nothing(anybody: httpx.AsyncClient) -> None:
    async def ask() -> list[str]:
        return [(await anybody.get(path)).text for path in ("/healthz", "/readyz")]

    assert run(ask()) == ["ok\n", "ok\n"]


def test_who_acts_is_told_to_the_gateway_beside_the_monitors_key(
    gateway: FakeGateway, anybody: httpx.AsyncClient, clock: Clock
) -> None:
    async def ask() -> None:
        headers = await signed_in(anybody)
        await anybody.post("/session", headers=headers)

    run(ask())
    signing, renewing = gateway.asked
    assert json.loads(signing.content) == {"name": "ann", "password": "right"}
    assert "X-User-Token" not in signing.headers
    assert renewing.headers["X-User-Token"] == "ann:1"
    assert {each.headers["X-API-Key"] for each in gateway.asked} == {"the monitor's key"}


def test_a_cookie_that_nobody_gave_is_no_session_and_no_fault(anybody: httpx.AsyncClient) -> None:
    async def ask() -> int:
        headers = {b"Cookie": f"{COOKIE}=\u00e4\u00e4".encode("latin-1")}
        return (await anybody.get("/_dash-layout", headers=headers)).status_code

    assert run(ask()) == 401


def test_who_signs_out_ends_the_session_at_the_gateway_and_gets_no_json(
    gateway: FakeGateway, anybody: httpx.AsyncClient
) -> None:
    async def ask() -> None:
        headers = await signed_in(anybody)
        gateway.answers["POST", "/v1/sessions:end"] = lambda request: {}
        for _ in range(2):  # and again, from an old tab
            assert (await anybody.post("/sign-out", headers=headers)).status_code == 303
        assert gateway.paths().count("/v1/sessions:end") == 2
        gateway.away = True
        assert (await anybody.post("/sign-out", headers=headers)).status_code == 303
        assert (await anybody.post("/sign-out")).status_code == 303

    run(ask())


def test_only_so_many_sign_in_at_once_and_nobody_else_waits_for_them(
    anybody: httpx.AsyncClient, gateway: FakeGateway
) -> None:
    async def ask() -> list[int]:
        form = {"name": "nobody", "password": "guess", "next": "/"}
        answers = await asyncio.gather(*(anybody.post("/sign-in", data=form) for _ in range(20)))
        return [answer.status_code for answer in answers]

    gateway.turns = 200
    found = run(ask())
    assert (found.count(401), found.count(429)) == (4, 16)


def test_a_fault_of_ours_is_told_in_one_line(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("secret")

    async def whose(connection: Any) -> Session:
        return Session("ann", "analyst", (), "ann:1", 600)

    async def ask() -> httpx.Response:
        door = Door(broken, whose, [], "default-src 'none'")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=ORIGIN) as visitor:
            return await visitor.get("/")

    answer = run(ask())
    assert answer.status_code == 500
    assert answer.json()["detail"] == "A fault of ours. The log of the monitor has it."
    assert "secret" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
