"""The monitor on a gateway that is none, and a browser's way to ask it."""

from datetime import UTC, datetime

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from dashboard.app import build_app
from dashboard.gateway import GatewayClient
from dashboard.metrics import MonitorMetrics
from dashboard.proxied import NamedByProxy
from tests.unit.dashboard.fake_gateway import FakeGateway

ORIGIN = "http://monitor"
NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway({"ann": "analyst", "vic": "viewer", "ada": "admin"})


@pytest.fixture
def counted() -> MonitorMetrics:
    return MonitorMetrics(CollectorRegistry())


@pytest.fixture
def client(gateway: FakeGateway, counted: MonitorMetrics) -> GatewayClient:
    return GatewayClient("http://gateway", "the monitor's key", gateway.transport, counted.asked)


@pytest.fixture
def monitor(client: GatewayClient, clock: Clock, counted: MonitorMetrics) -> ASGIApp:
    proxied = NamedByProxy("X-Forwarded-User", "10.0.0.0/8")
    origins = ["https://fraud.example"]
    return build_app(client, origins=origins, proxied=proxied, now=lambda: NOW, clock=clock, metrics=counted)


@pytest.fixture
def anybody(monitor: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(monitor), base_url=ORIGIN, headers={"Origin": ORIGIN}
    )
