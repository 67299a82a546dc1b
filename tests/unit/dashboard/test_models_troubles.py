"""The page Models where there is nothing to show, or somebody does not answer."""

import asyncio
from typing import Any

import httpx
import pytest

from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pages.models import MODELS
from models.errors import GatewayUnavailable
from tests.unit.dashboard.conftest import Clock
from tests.unit.dashboard.fake_gateway import FakeGateway, problem
from tests.unit.dashboard.model_answers import (
    ANSWERS,
    DECIDED,
    DRIFT,
    NO_LABELS,
    STATS,
    WHAT_IF,
    asking_of,
    card,
    shown,
    tell,
    text_of,
    view_at,
)

CARDS = ("in-force", "changes", "versions", "metrics", "curves", "what-if", "drift")
AWAY = problem(503, "unavailable", "A dependency does not answer", "MLflow is away")


@pytest.fixture
def asking(gateway: FakeGateway, client: GatewayClient, clock: Clock) -> Asking:
    tell(gateway)
    return asking_of(client, clock)


def empty(gateway: FakeGateway, begun: str | None, happened: str = "2026-03-01T11:00:00Z") -> None:
    points = (
        []
        if begun is None
        else [{"at": "2026-01-01T00:00:00Z", "decisions": 0}, {"at": begun, "decisions": 9}]
    )

    def stats(request: httpx.Request) -> Any:
        return {**STATS, "points": points if "from" in request.url.params else []}

    nothing = {"asked": None, "in_force": None, "decided": None, "differences": None}
    tell(
        gateway,
        stats=stats,
        quality=NO_LABELS,
        what_if={**WHAT_IF, **nothing},
        decisions={"items": [{**DECIDED["items"][0], "event_time": happened}]},
    )


@pytest.mark.parametrize(
    ("begun", "words"),
    [
        ("2026-02-27T00:00:00Z", "those of the first decisions from 2026-03-06 00:00 on"),
        ("2026-02-01T00:00:00Z", "Labels of what was decided a week ago would count: send them"),
        (None, "Nothing was decided in the last months"),
    ],
)
def test_without_labels_it_says_when_there_will_be(
    gateway: FakeGateway, asking: Asking, begun: str | None, words: str
) -> None:
    empty(gateway, begun)
    found = shown(asking)
    assert words in card(found, "metrics")
    assert "There are no curves without labels" in card(found, "curves")
    assert "There is nothing to try thresholds on" in card(found, "what-if")


def test_a_replay_of_long_ago_is_found_by_a_link(gateway: FakeGateway, asking: Asking) -> None:
    empty(gateway, "2026-02-27T00:00:00Z", happened="2018-06-01T00:00:00Z")
    content = shown(asking)["models-metrics", "children"]
    assert "measure the four weeks before it" in text_of(content)
    assert "from=2018-05-04T00:00:00Z&to=2018-06-01T00:00:00Z" in str(content)


def test_what_fails_is_told_on_its_own_card_alone(gateway: FakeGateway, asking: Asking) -> None:
    tell(gateway, models=lambda request: AWAY)
    found = shown(asking)
    said = card(found, "versions")
    assert "This cannot be told at the moment" in said
    assert "MLflow is away. This card asks again within a minute." in said
    for name in set(CARDS) - {"versions"}:
        assert "This cannot be told" not in card(found, name)
        assert found[f"models-{name}", "children"]


def test_what_was_heard_before_stays_under_the_trouble(
    gateway: FakeGateway, asking: Asking, clock: Clock
) -> None:
    shown(asking)
    tell(gateway, quality=lambda request: AWAY)
    clock.now_s += 61
    found = shown(asking)
    assert found["models-metrics", "className"] == "outdated"
    assert "This cannot be told at the moment" in card(found, "metrics")
    assert "0.871" in card(found, "metrics")


def test_where_nothing_can_be_had_the_whole_page_says_so(gateway: FakeGateway, asking: Asking) -> None:
    gateway.away = True
    with pytest.raises(GatewayUnavailable):
        shown(asking)


def test_a_card_that_waits_says_so_and_leaves_what_stands_there(gateway: FakeGateway, clock: Clock) -> None:
    tell(gateway)

    class Hanging(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/models":
                await asyncio.Event().wait()
            return await gateway.transport.handle_async_request(request)

    found = shown(asking_of(GatewayClient("http://gateway", "key", Hanging()), clock))
    assert card(found, "versions") == "Asking. This may take some seconds."
    assert ("models-versions", "children") not in found
    assert "0.871" in card(found, "metrics")


def test_without_a_model_it_says_what_decides_and_what_to_do(gateway: FakeGateway, asking: Asking) -> None:
    tell(gateway, stats={**STATS, "in_force": None}, models={"models": []}, drift={**DRIFT, "models": []})
    found = shown(asking)
    assert "No model is in force: decisions are made by the amount alone" in card(found, "in-force")
    assert "No model is registered. Train one" in card(found, "versions")
    assert "No model is in force, so there is nothing to compare with" in card(found, "drift")


def test_a_model_without_its_training_rows_says_so(gateway: FakeGateway, asking: Asking) -> None:
    old = {**DRIFT["models"][0], "features": [], "why": "it was registered without them"}
    tell(gateway, drift={**DRIFT, "models": [old]})
    assert "Nothing to compare: it was registered without them." in card(shown(asking), "drift")


class Mute(httpx.AsyncBaseTransport):
    """Before a gateway that says nothing more from some time on. silent: the paths it keeps to itself."""

    def __init__(self, gateway: FakeGateway, clock: Clock) -> None:
        self._gateway, self._clock = gateway, clock
        self._waiting: list[tuple[float, asyncio.Future[httpx.Response]]] = []
        self.silent: frozenset[str] = frozenset()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path not in self.silent:
            return await self._gateway.transport.handle_async_request(request)
        answer: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._clock.now_s + request.extensions["timeout"]["read"], answer))
        return await answer

    async def pass_(self, seconds: float) -> None:
        """Time goes by: who has waited for as long as he wanted goes on without an answer."""
        self._clock.now_s += seconds
        for until_s, answer in self._waiting:
            if until_s <= self._clock.now_s and not answer.done():
                answer.set_exception(httpx.ReadTimeout("no answer"))
        for _ in range(5):
            await asyncio.sleep(0)


QUICK = frozenset({"/v1/ab", "/v1/policies"})


def test_where_nobody_answers_any_more_the_page_says_so_within_seconds(
    gateway: FakeGateway, clock: Clock
) -> None:
    tell(gateway)
    mute, view = Mute(gateway, clock), view_at()
    asking = asking_of(GatewayClient("http://gateway", "key", mute), clock)

    async def look() -> None:
        await MODELS.ask(asking, view)
        mute.silent = frozenset(ANSWERS)
        await mute.pass_(1.1)
        assert (await MODELS.ask(asking, view)).policy.document is not None
        for seconds in (3.0, 1.1, 1.1):  # the first makes 4.1 s; then it is asked anew, in vain
            await mute.pass_(seconds)
            with pytest.raises(GatewayUnavailable, match="the gateway does not answer"):
                await MODELS.ask(asking, view)
        mute.silent = frozenset()
        await mute.pass_(3.0)
        await mute.pass_(1.1)
        assert (await MODELS.ask(asking, view)).policy.trouble is None

    asyncio.run(look())


def test_what_is_slow_by_nature_holds_nothing_up(gateway: FakeGateway, clock: Clock) -> None:
    tell(gateway)
    mute, view = Mute(gateway, clock), view_at()
    asking = asking_of(GatewayClient("http://gateway", "key", mute), clock)

    async def look() -> None:
        await MODELS.ask(asking, view)
        mute.silent = frozenset(ANSWERS) - QUICK
        for _ in range(3):
            await mute.pass_(61)
            told = await MODELS.ask(asking, view)
            assert told.policy.trouble is None
            assert told.quality.document is not None

    asyncio.run(look())
