"""How much of its limit each key has used: the requests that passed in the last 60 s, as Redis has them."""

import asyncio
from collections.abc import Sequence

import msgspec

from api.limits import PREFIX, WINDOW_US, with_functions
from models.errors import ViewUnavailable
from streams.redis_client import OF_REDIS, async_client

MOST_KEYS = 1000
# Redis answers one caller's pipeline before it hears the next: decisions must not wait for a long one.
AT_ONCE = 50
CALL_S, ALL_S = 0.5, 3.0
USED = "fraudml_used_2"


class KeyUsage(msgspec.Struct, frozen=True):
    """used: of `limit_per_minute`, in the last 60 s; a request that was refused used nothing."""

    key_id: str
    owner: str
    name: str
    limit_per_minute: int
    used: int


class KeyUsages(msgspec.Struct, frozen=True):
    """live_keys: how many there are; only those made last are in `keys` where there are more."""

    keys: list[KeyUsage]
    live_keys: int


class Usage:
    """Over connections of its own; one caller after the other."""

    def __init__(self, url: str) -> None:
        self._redis = async_client(url, CALL_S)
        self._turn = asyncio.Lock()

    async def used(self, key_ids: Sequence[str], now_us: int | None = None) -> list[int]:
        """How many requests of each key passed in the last 60 s. now_us: in tests; else Redis' own clock.

        Raises:
            ViewUnavailable: Redis does not answer in time.
        """
        try:
            async with asyncio.timeout(ALL_S), self._turn:
                found = []
                for first in range(0, len(key_ids), AT_ONCE):
                    found += await self._some(key_ids[first : first + AT_ONCE], now_us)
                return found
        except OF_REDIS as error:
            raise ViewUnavailable("Redis does not tell what keys have used", why=str(error)) from error

    async def _some(self, key_ids: Sequence[str], now_us: int | None) -> list[int]:
        arguments = [WINDOW_US] if now_us is None else [WINDOW_US, now_us]

        async def ask() -> list[int]:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key_id in key_ids:
                    pipeline.fcall(USED, 1, PREFIX + key_id, *arguments)
                return [int(each) for each in await pipeline.execute()]

        return list(await with_functions(self._redis, ask))

    async def close(self) -> None:
        await self._redis.aclose()
