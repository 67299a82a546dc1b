"""How often a key may ask: so many times in any 60 s, counted by all gateways together.

Each key's last requests stand in a list in Redis, newest first, on Redis' own clock: another request may pass
when the one that it would push out is older than the window. No library counts on the server's clock.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from api.breaker import Breaker
from api.pace import Pace
from models.errors import Unavailable, ViewUnavailable
from streams.redis_client import OF_REDIS, async_client
from streams.redis_functions import is_missing, may_not_load

# From some 600 requests a second of one key on, of which each then waits for half of this.
QUESTIONS_APART_S, CROWD = 0.005, 3
WINDOW_S = 60
WINDOW_US = WINDOW_S * 1_000_000
PREFIX = "fraudml-limit:"
FUNCTIONS = (Path(__file__).parent / "limit_functions.lua").read_text()
LIMIT = "fraudml_limit_2"


class Allowance(NamedTuple):
    """remaining: how many more may pass now. reset_s: until the oldest that counts leaves the window.

    Source of the headers: draft-ietf-httpapi-ratelimit-headers.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_s: float

    def headers(self) -> dict[str, str]:
        reset_s = ceil(self.reset_s)
        found = {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"key";r={self.remaining};t={reset_s}',
        }
        return found if self.allowed else found | {"Retry-After": str(max(1, reset_s))}


class Limit(Protocol):
    """Counts requests of a key."""

    async def ask(
        self, key_id: str, limit: int, *, count: int = 1, now_us: int | None = None
    ) -> list[Allowance]:
        """So many requests more, of one moment. now_us: in tests; else the counting server's own clock.

        Raises:
            ViewUnavailable: Redis does not answer in time.
        """


async def with_functions(redis: "Redis", call: Callable[[], Awaitable[Any]]) -> Any:
    """What the call answers, once our functions are loaded.

    Raises:
        ViewUnavailable: they are not, and we may not load them.
    """
    try:
        return await call()
    except ResponseError as error:
        if not is_missing(error):
            raise
    try:
        await redis.function_load(FUNCTIONS, replace=True)
    except NoPermissionError as error:
        raise may_not_load(error) from None
    return await call()


class SharedLimit:
    """Counted in Redis, by all gateway processes together."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._redis = async_client(url, timeout_s)

    async def ask(
        self, key_id: str, limit: int, *, count: int = 1, now_us: int | None = None
    ) -> list[Allowance]:
        arguments = [WINDOW_US, limit, count, *([] if now_us is None else [now_us])]
        try:
            passed, left, reset_us = await with_functions(
                self._redis, lambda: self._redis.fcall(LIMIT, 1, PREFIX + key_id, *arguments)
            )
        except OF_REDIS as error:
            raise ViewUnavailable("Redis does not count requests", why=str(error)) from error
        return allowances(count, int(passed), limit, int(left), int(reset_us) / 1e6)

    async def close(self) -> None:
        await self._redis.aclose()


class LocalLimit:
    """Counted in this process. clock: seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._passed: dict[str, deque[int]] = {}

    async def ask(
        self, key_id: str, limit: int, *, count: int = 1, now_us: int | None = None
    ) -> list[Allowance]:
        times = self._passed.setdefault(key_id, deque())
        now_us = max(int(self._clock() * 1e6) if now_us is None else now_us, times[-1] if times else 0)
        while times and times[0] <= now_us - WINDOW_US:
            times.popleft()
        passed = max(0, min(count, limit - len(times)))
        times.extend([now_us] * passed)
        reset_us = times[0] + WINDOW_US - now_us if times else 0
        return allowances(count, passed, limit, max(0, limit - len(times)), reset_us / 1e6)


def allowances(count: int, passed: int, limit: int, left: int, reset_s: float) -> list[Allowance]:
    """Of so many requests of one moment, the first pass. left: after them."""
    allowed = [Allowance(True, limit, left + passed - 1 - each, reset_s) for each in range(passed)]
    return allowed + [Allowance(False, limit, left, reset_s)] * (count - passed)


@dataclass
class Line:
    """Requests of one key that wait to be asked about."""

    pace: Pace
    waiting: list["asyncio.Future[Allowance]"] = field(default_factory=list)
    runs: "asyncio.Task[None] | None" = None


class Limits:
    """The shared count; while Redis is away, this process' share of the limit, counted here. For one event
    loop. Under load the requests of a key are asked about together.

    At the change a key may pass once more what it has passed already: at most its limit, once, or one request
    for each process where they are more than the limit.
    processes: over how many the limit is shared. breaker: keeps requests from waiting for a Redis that is
    away. failed: called when Redis was asked in vain.
    """

    def __init__(
        self,
        shared: Limit,
        local: Limit,
        processes: int,
        breaker: Breaker,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._shared = shared
        self._local = local
        self._processes = processes
        self._breaker = breaker
        self._failed = failed
        self._lines: dict[tuple[str, int], Line] = {}

    async def ask(self, key_id: str, limit: int) -> Allowance:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Allowance] = loop.create_future()
        name = (key_id, limit)
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = Line(Pace(QUESTIONS_APART_S, CROWD))
            line.runs = loop.create_task(self._run(name, line))
        line.waiting.append(future)
        return await future

    async def _run(self, name: tuple[str, int], line: Line) -> None:
        """Asks until nobody waits, and nobody who came would have to."""
        try:
            while line.waiting:
                asking, line.waiting = line.waiting, []
                line.pace.begins(len(asking))
                await self._tell(asking, *name)
                if wait_s := line.pace.wait_s():
                    await asyncio.sleep(wait_s)
        finally:
            del self._lines[name]

    async def _tell(self, asking: Sequence["asyncio.Future[Allowance]"], key_id: str, limit: int) -> None:
        try:
            told = await self._asked(key_id, limit, len(asking))
        except Exception as error:
            for future in asking:
                if not future.done():
                    future.set_exception(error)
            return
        for future, each in zip(asking, told, strict=True):
            if not future.done():
                future.set_result(each)

    async def _asked(self, key_id: str, limit: int, count: int) -> list[Allowance]:
        try:
            with self._breaker.call():
                return await self._shared.ask(key_id, limit, count=count)
        except Unavailable:
            self._failed()
            return await self._local.ask(key_id, max(1, limit // self._processes), count=count)
