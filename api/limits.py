"""How often a key may ask: so many times in any 60 s, counted by all gateways together.

Each key's last requests stand in a list in Redis, newest first, on Redis' own clock: another request may pass
when the one that it would push out is older than the window. No library counts on the server's clock.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from api.breaker import Breaker
from models.errors import Unavailable, ViewUnavailable
from streams.redis_client import OF_REDIS, async_client
from streams.redis_functions import is_missing, may_not_load

WINDOW_S = 60
WINDOW_US = WINDOW_S * 1_000_000
PREFIX = "fraudml-limit:"
FUNCTIONS = (Path(__file__).parent / "limit_functions.lua").read_text()
LIMIT = "fraudml_limit_1"


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

    async def ask(self, key_id: str, limit: int, now_us: int | None = None) -> Allowance:
        """One request more. now_us: in tests; else the counting server's own clock.

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

    async def ask(self, key_id: str, limit: int, now_us: int | None = None) -> Allowance:
        arguments = [WINDOW_US, limit] if now_us is None else [WINDOW_US, limit, now_us]
        try:
            allowed, remaining, reset_us = await with_functions(
                self._redis, lambda: self._redis.fcall(LIMIT, 1, PREFIX + key_id, *arguments)
            )
        except OF_REDIS as error:
            raise ViewUnavailable("Redis does not count requests", why=str(error)) from error
        return Allowance(bool(allowed), limit, int(remaining), int(reset_us) / 1e6)

    async def close(self) -> None:
        await self._redis.aclose()


class LocalLimit:
    """Counted in this process. clock: seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._passed: dict[str, deque[int]] = {}

    async def ask(self, key_id: str, limit: int, now_us: int | None = None) -> Allowance:
        passed = self._passed.setdefault(key_id, deque())
        now_us = max(int(self._clock() * 1e6) if now_us is None else now_us, passed[-1] if passed else 0)
        while passed and passed[0] <= now_us - WINDOW_US:
            passed.popleft()
        allowed = len(passed) < limit
        if allowed:
            passed.append(now_us)
        reset_us = passed[0] + WINDOW_US - now_us if passed else 0
        return Allowance(allowed, limit, limit - len(passed), reset_us / 1e6)


class Limits:
    """The shared count; while Redis is away, this process' share of the limit, counted here.

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

    async def ask(self, key_id: str, limit: int) -> Allowance:
        try:
            with self._breaker.call():
                return await self._shared.ask(key_id, limit)
        except Unavailable:
            self._failed()
            return await self._local.ask(key_id, max(1, limit // self._processes))
