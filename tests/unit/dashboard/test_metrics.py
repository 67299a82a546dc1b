"""What a monitor counts: refused sign-ins, how long callbacks take, what came of questions."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.door import CALLBACK, Door
from dashboard.gateway import GatewayClient
from dashboard.metrics import OUTCOMES, REASONS, MonitorMetrics
from dashboard.server import tell_metrics
from dashboard.sessions import Session
from models.errors import BadSetting, FraudError, Unauthenticated
from streams.settings import Settings
from tests.unit.dashboard.conftest import ORIGIN, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway

CALLS, SIGN_INS = "fraud_monitor_gateway_calls_total", "fraud_monitor_sign_ins_refused_total"
TOOK = "fraud_monitor_callback_latency_seconds"


def told(counted: MonitorMetrics, name: str, **labels: str) -> float | None:
    return counted.registry.get_sample_value(name, labels)


def signing_in(anybody: httpx.AsyncClient, password: str, **more: str) -> int:
    async def ask() -> int:
        form = {"name": "ann", "password": password, **more}
        return (await anybody.post("/sign-in", data=form)).status_code

    return asyncio.run(ask())


def test_everything_that_is_rare_begins_at_zero(counted: MonitorMetrics) -> None:
    assert {told(counted, CALLS, outcome=each) for each in OUTCOMES} == {0}
    assert {told(counted, SIGN_INS, reason=each) for each in REASONS} == {0}


def test_a_wrong_password_is_counted_and_a_right_one_is_not(
    anybody: httpx.AsyncClient, counted: MonitorMetrics
) -> None:
    assert signing_in(anybody, "right") == 303
    assert signing_in(anybody, "wrong") == 401
    assert told(counted, SIGN_INS, reason="credentials") == 1


def test_a_form_that_is_too_large_is_counted_as_none_of_ours(
    anybody: httpx.AsyncClient, counted: MonitorMetrics
) -> None:
    assert signing_in(anybody, "right", more="x" * 9000) == 413
    assert told(counted, SIGN_INS, reason="malformed") == 1


def test_a_gateway_that_is_away_is_counted_for_the_sign_in_and_for_the_question(
    anybody: httpx.AsyncClient, gateway: FakeGateway, counted: MonitorMetrics
) -> None:
    gateway.away = True
    assert signing_in(anybody, "right") == 503
    assert told(counted, SIGN_INS, reason="unavailable") == 1
    assert told(counted, CALLS, outcome="failed") == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "answered"), (401, "refused"), (403, "refused"), (422, "refused"), (503, "failed")],
)
def test_what_came_of_a_question_is_counted_once(status: int, outcome: str, counted: MonitorMetrics) -> None:
    body = {"code": "some", "title": "Some", "detail": "thing"}
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=body))
    client = GatewayClient("http://gateway", "key", transport, counted.asked)
    try:
        asyncio.run(client.get("/v1/anything", "token"))
    except FraudError:
        assert status != 200
    found = {each: told(counted, CALLS, outcome=each) for each in OUTCOMES}
    assert found == {each: float(each == outcome) for each in OUTCOMES}


def door(clock: Clock, counted: MonitorMetrics, whose: Callable[[Any], Awaitable[Session]]) -> ASGIApp:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        clock.now_s += 0.2
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    return Door(slow, whose, [], "default-src 'none'", clock, counted.called_back)


def posted(app: ASGIApp, path: str) -> int:
    async def ask() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return (await client.post(path, headers={"Origin": ORIGIN}, json={})).status_code

    return asyncio.run(ask())


async def ann(_: Any) -> Session:
    return Session("ann", "analyst", (), "token", 60)


async def nobody(_: Any) -> Session:
    raise Unauthenticated("nobody is signed in")


def test_a_callback_is_timed_and_nothing_else_is(clock: Clock, counted: MonitorMetrics) -> None:
    app = door(clock, counted, ann)
    assert [posted(app, path) for path in (CALLBACK, "/other")] == [200, 200]
    assert told(counted, f"{TOOK}_count") == 1
    assert told(counted, f"{TOOK}_sum") == pytest.approx(0.2)


def test_what_is_refused_at_the_door_is_no_callback(clock: Clock, counted: MonitorMetrics) -> None:
    assert posted(door(clock, counted, nobody), CALLBACK) == 401
    assert told(counted, f"{TOOK}_count") == 0


def test_the_page_itself_has_no_metrics_to_tell(anybody: httpx.AsyncClient) -> None:
    assert asyncio.run(anybody.get("/metrics")).status_code == 401


@pytest.mark.enable_socket
@pytest.mark.parametrize(("enabled", "status"), [(True, 200), (False, 404)])
def test_they_are_told_on_a_port_of_their_own_with_those_of_the_process(
    counted: MonitorMetrics, tmp_path: Path, enabled: bool, status: int
) -> None:
    port = tell_metrics(counted, settings_of(tmp_path, enabled=enabled))
    page = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=5)
    assert page.status_code == status
    assert ("process_start_time_seconds" in page.text and CALLS in page.text) == enabled


@pytest.mark.enable_socket
def test_a_port_that_is_taken_is_told_with_what_to_set(counted: MonitorMetrics, tmp_path: Path) -> None:
    port = tell_metrics(counted, settings_of(tmp_path))
    with pytest.raises(BadSetting, match=rf"cannot be told at 127\.0\.0\.1:{port}") as refused:
        tell_metrics(MonitorMetrics(CollectorRegistry()), settings_of(tmp_path, port=port))
    assert "FRAUDML_MONITOR_METRICS_PORT" in str(refused.value.next_step)


def settings_of(home: Path, *, enabled: bool = True, port: int = 0) -> Settings:
    return Settings.model_construct(
        home=home, prometheus_enabled=enabled, metrics_host="127.0.0.1", monitor_metrics_port=port
    )
