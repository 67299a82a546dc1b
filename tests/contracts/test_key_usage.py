"""What a key has used is what passed in the last 60 s, whoever asks, and however many keys there are."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import accumulate, count
from random import Random
from typing import Any

import pytest
from redis import Redis

from api.key_usage import AT_ONCE, Usage
from api.limits import PREFIX, WINDOW_US, SharedLimit
from models.errors import ViewUnavailable
from tests.contracts.limit_worlds import asked, rightly

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

SECOND_US = 1_000_000
NAMES = count()


def fresh() -> str:
    return f"used-{next(NAMES)}"


def run(url: str, call: Callable[[SharedLimit, Usage], Coroutine[Any, Any, Any]]) -> Any:
    async def over_connections() -> Any:
        limit, usage = SharedLimit(url, 5.0), Usage(url)
        try:
            return await call(limit, usage)
        finally:
            await limit.close()
            await usage.close()

    return asyncio.run(over_connections())


def test_requests_that_passed_are_used_and_those_refused_are_not(view_url: str) -> None:
    name = fresh()

    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        await asked(limit, name, 3, [0, 1, 2, 3, 4])
        return await usage.used([name, fresh()], now_us=5)

    assert run(view_url, call) == [3, 0]


def test_what_has_left_the_window_is_not_used_any_more(view_url: str) -> None:
    name = fresh()

    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        await asked(limit, name, 10, [0, 10 * SECOND_US, 20 * SECOND_US])
        moments = [WINDOW_US - 1, WINDOW_US, WINDOW_US + 15 * SECOND_US, 2 * WINDOW_US]
        return [(await usage.used([name], moment))[0] for moment in moments]

    assert run(view_url, call) == [3, 2, 1, 0]


def test_any_traffic_is_counted_exactly(view_url: str) -> None:
    random = Random(7)
    times_us = list(accumulate(random.choice((1, 400_000, 9_000_000)) for _ in range(120)))
    name, most = fresh(), 20
    passed = [time for time, may in zip(times_us, rightly(times_us, most, WINDOW_US), strict=True) if may]

    async def call(limit: SharedLimit, usage: Usage) -> list[tuple[int, int]]:
        found = []
        for now_us in times_us:
            await limit.ask(name, most, now_us=now_us)
            (used,) = await usage.used([name], now_us)
            found.append((used, sum(now_us - WINDOW_US < time <= now_us for time in passed)))
        return found

    assert all(used == expected for used, expected in run(view_url, call))


def test_many_keys_are_told_in_their_order_on_the_servers_clock(view_url: str) -> None:
    names = [fresh() for _ in range(2 * AT_ONCE + 3)]

    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        for number in (1, AT_ONCE, 2 * AT_ONCE + 2):
            for _ in range(number % 7 + 1):
                await limit.ask(names[number], 100)
        return await usage.used(names)

    used = dict(enumerate(run(view_url, call)))
    assert {number: many for number, many in used.items() if many} == {
        1: 2,
        AT_ONCE: AT_ONCE % 7 + 1,
        2 * AT_ONCE + 2: (2 * AT_ONCE + 2) % 7 + 1,
    }


def test_looking_uses_nothing_and_writes_nothing(view_url: str) -> None:
    name = fresh()

    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        await limit.ask(name, 5)
        return [(await usage.used([name, "nobody"]))[0] for _ in range(3)]

    assert run(view_url, call) == [1, 1, 1]
    with Redis.from_url(view_url, socket_timeout=5) as client:
        assert client.keys("*") == [f"{PREFIX}{name}".encode()]


def test_without_keys_redis_is_not_asked() -> None:
    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        return await usage.used([])

    assert run("redis://127.0.0.1:1/0", call) == []


def test_a_redis_that_does_not_answer_is_unavailable() -> None:
    async def call(limit: SharedLimit, usage: Usage) -> list[int]:
        return await usage.used(["a"])

    with pytest.raises(ViewUnavailable):
        run("redis://127.0.0.1:1/0", call)
