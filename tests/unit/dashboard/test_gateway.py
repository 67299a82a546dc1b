"""What the gateway says becomes a document or one of our errors, whatever it says."""

import asyncio

import httpx
import pytest

from dashboard.gateway import GatewayClient
from models.errors import Forbidden, FraudError, GatewayProblem, GatewayUnavailable, Unauthenticated
from tests.unit.dashboard.fake_gateway import problem


def asked(answer: httpx.Response | Exception) -> object:
    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask() -> object:
        client = GatewayClient("http://gateway", "key", httpx.MockTransport(respond))
        return await client.get("/v1/stats", "ann:1", {"from": "2026"})

    return asyncio.run(ask())


def test_a_document_is_told_as_it_is() -> None:
    assert asked(httpx.Response(200, json={"decisions": 3})) == {"decisions": 3}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(401, "unauthenticated", "No valid key"), Unauthenticated),
        (problem(403, "forbidden", "The key may not do this"), Forbidden),
        (problem(409, "case_held", "Somebody else has taken the case"), GatewayProblem),
        (problem(422, "too_wide", "This takes too long to find"), GatewayProblem),
        (problem(429, "rate_limited", "Too many requests"), GatewayProblem),
        (problem(500, "internal", "A fault of ours"), GatewayUnavailable),
        (problem(503, "no_time_left", "No answer in time"), GatewayUnavailable),
        (httpx.Response(502, text="<html>bad gateway"), GatewayUnavailable),
        (httpx.Response(404, text="nginx"), GatewayUnavailable),
        (httpx.Response(200, text="<html>another program"), GatewayUnavailable),
        (httpx.Response(400, json=["no", "problem"]), GatewayUnavailable),
        (httpx.ConnectError("refused"), GatewayUnavailable),
        (httpx.ReadTimeout("slow"), GatewayUnavailable),
        (httpx.RemoteProtocolError("half"), GatewayUnavailable),
    ],
)
def test_what_is_no_document_is_one_of_our_errors(
    answer: httpx.Response | Exception, error: type[FraudError]
) -> None:
    with pytest.raises(error):
        asked(answer)
