"""Who a proxy names is believed of that proxy alone."""

import asyncio

import httpx
import pytest
from starlette.types import ASGIApp

from dashboard.proxied import NamedByProxy
from models.errors import BadSetting
from tests.unit.dashboard.conftest import ORIGIN
from tests.unit.dashboard.fake_gateway import FakeGateway


def asked(monitor: ASGIApp, by: str, name: str) -> int:
    async def ask() -> int:
        transport = httpx.ASGITransport(monitor, client=(by, 1))
        headers = {"X-Forwarded-User": name}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return (await client.get("/_dash-layout", headers=headers)).status_code

    return asyncio.run(ask())


def test_a_trusted_proxy_says_who_somebody_is(monitor: ASGIApp, gateway: FakeGateway) -> None:
    assert [asked(monitor, "10.1.2.3", "ann") for _ in range(3)] == [200] * 3
    assert gateway.paths() == ["/v1/sessions:vouch"]


@pytest.mark.parametrize("by", ["192.0.2.1", "::1", "", "unix"])
def test_nobody_else_does(monitor: ASGIApp, by: str) -> None:
    assert asked(monitor, by, "ann") == 401


def test_whom_the_ledger_does_not_know_is_nobody(monitor: ASGIApp) -> None:
    assert asked(monitor, "10.1.2.3", "mallory") == 401


@pytest.mark.parametrize(("header", "trusted"), [("X-User", ""), ("X-User", "my proxy"), ("", "1.2.3")])
def test_a_setting_that_would_believe_nobody_or_anybody_is_refused(header: str, trusted: str) -> None:
    with pytest.raises(BadSetting, match="Next: name"):
        NamedByProxy(header, trusted)
