"""Questions beside each other: none holds up another, and none is asked too often."""

import asyncio
from typing import Any

import httpx
import pytest

from dashboard.gateway import GatewayClient
from dashboard.model_cards.hearing import NOTHING_YET, Question, hear, outdate
from models.errors import GatewayUnavailable, Unauthenticated
from tests.unit.dashboard.conftest import Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.model_answers import asking_of

MINUTE = Question("/v1/models", 60.0)
# Enough to have asked.
SHORT_S = 0.01


class Slow(httpx.AsyncBaseTransport):
    """Answers when it may; each answer another one."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        number = self.asked
        await self.may.wait()
        return httpx.Response(200, json={"number": number})


def test_what_takes_long_is_heard_at_a_later_look_and_asked_once(clock: Clock) -> None:
    async def look() -> None:
        slow = Slow()
        asking = asking_of(GatewayClient("http://gateway", "key", slow), clock)
        assert await hear(asking, MINUTE, SHORT_S) is NOTHING_YET
        assert await hear(asking, MINUTE, SHORT_S) is NOTHING_YET
        slow.may.set()
        assert (await hear(asking, MINUTE)).document == {"number": 1}
        assert slow.asked == 1

    asyncio.run(look())


def test_while_it_is_asked_again_the_last_answer_is_told(clock: Clock) -> None:
    async def look() -> None:
        slow = Slow()
        asking = asking_of(GatewayClient("http://gateway", "key", slow), clock)
        slow.may.set()
        first = await hear(asking, MINUTE)
        slow.may.clear()
        clock.now_s += 61
        assert await hear(asking, MINUTE, SHORT_S) is first
        slow.may.set()
        assert (await hear(asking, MINUTE)).document == {"number": 2}

    asyncio.run(look())


def test_the_same_answer_is_the_same_object(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    gateway.answers["GET", "/v1/models"] = lambda request: {"models": []}
    asking = asking_of(client, clock)
    first = asyncio.run(hear(asking, MINUTE))
    clock.now_s += 61
    assert asyncio.run(hear(asking, MINUTE)) is first
    assert gateway.paths() == ["/v1/models"] * 2


def failing(gateway: FakeGateway) -> None:
    gateway.answers["GET", "/v1/models"] = lambda request: problem(503, "unavailable", "MLflow is away")


def test_a_failure_is_told_for_as_long_as_an_answer(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    failing(gateway)
    asking = asking_of(client, clock)
    first = asyncio.run(hear(asking, MINUTE))
    assert isinstance(first.trouble, GatewayUnavailable)
    clock.now_s += 59
    assert asyncio.run(hear(asking, MINUTE)) is first
    clock.now_s += 2
    assert asyncio.run(hear(asking, MINUTE)) is not first
    assert len(gateway.asked) == 2


def test_a_failure_keeps_what_was_heard_before(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    gateway.answers["GET", "/v1/models"] = lambda request: {"models": [1]}
    asking = asking_of(client, clock)
    asyncio.run(hear(asking, MINUTE))
    failing(gateway)
    for _ in range(2):
        clock.now_s += 61
        heard = asyncio.run(hear(asking, MINUTE))
        assert heard.document == {"models": [1]}
        assert heard.trouble is not None


def test_who_is_signed_in_no_more_is_told_so_and_nobody_else(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    gateway.answers["GET", "/v1/models"] = lambda request: problem(401, "unauthenticated", "No valid key")
    asking = asking_of(client, clock)
    with pytest.raises(Unauthenticated):
        asyncio.run(hear(asking, MINUTE))
    gateway.answers["GET", "/v1/models"] = lambda request: {"models": []}
    assert asyncio.run(hear(asking, MINUTE)).document == {"models": []}


def test_what_an_action_changes_is_asked_anew_for_every_role(
    gateway: FakeGateway, client: GatewayClient, clock: Clock
) -> None:
    gateway.answers["GET", "/v1/models"] = lambda request: {"number": len(gateway.asked)}
    asking = asking_of(client, clock)
    heard: list[Any] = [asyncio.run(hear(asking, MINUTE)).document]
    outdate(asking.shared, "/v1/ab")
    heard.append(asyncio.run(hear(asking, MINUTE)).document)
    outdate(asking.shared, "/v1/ab", "/v1/models")
    heard.append(asyncio.run(hear(asking, MINUTE)).document)
    assert heard == [{"number": 1}, {"number": 1}, {"number": 2}]


def test_what_was_on_its_way_when_an_action_was_done_is_asked_anew_too(clock: Clock) -> None:
    async def look() -> None:
        slow = Slow()
        asking = asking_of(GatewayClient("http://gateway", "key", slow), clock)
        await hear(asking, MINUTE, SHORT_S)
        outdate(asking.shared, "/v1/models")
        slow.may.set()
        heard = [await hear(asking, MINUTE) for _ in range(3)]
        assert heard[-1].document == {"number": 2}
        assert slow.asked == 2

    asyncio.run(look())


def test_only_wanted_fields_are_kept(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> None:
    gateway.answers["GET", "/v1/stats"] = lambda request: {"in_force": None, "points": [1, 2]}
    question = Question("/v1/stats", 1.0, only=("in_force",))
    assert asyncio.run(hear(asking_of(client, clock), question)).document == {"in_force": None}
