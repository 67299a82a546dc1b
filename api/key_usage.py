"""How much of its limit each key has used: the requests that passed in the last 60 s, as Redis has them."""

import asyncio
from collections.abc import Sequence

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from api.limits import PREFIX, WINDOW_US
from models.errors import ViewUnavailable
from streams.redis_client import client_options

MOST_KEYS = 1000
# Redis answers one caller's pipeline before it hears the next: decisions must not wait for a long one.
AT_ONCE = 50
CALL_S, ALL_S = 0.5, 3.0
# KEYS: a key's list, newest first. ARGV: the window in us, and, in tests, the time in us. Writes nothing.
SCRIPT = """
local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
now = math.max(now, tonumber(redis.call('LINDEX', KEYS[1], 0) or 0))
local low, high = 0, redis.call('LLEN', KEYS[1])
while low < high do
  local middle = math.floor((low + high) / 2)
  local counts = tonumber(redis.call('LINDEX', KEYS[1], middle)) > now - tonumber(ARGV[1])
  if counts then low = middle + 1 else high = middle end
end
return low
"""


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
        self._redis = Redis.from_url(
            **client_options(url),
            socket_timeout=CALL_S,
            socket_connect_timeout=CALL_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(SCRIPT)
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
        except (RedisError, OSError) as error:
            raise ViewUnavailable("Redis does not tell what keys have used", why=str(error)) from error

    async def _some(self, key_ids: Sequence[str], now_us: int | None) -> list[int]:
        arguments = [WINDOW_US] if now_us is None else [WINDOW_US, now_us]
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key_id in key_ids:
                await self._script(keys=[PREFIX + key_id], args=arguments, client=pipeline)
            return [int(each) for each in await pipeline.execute()]

    async def close(self) -> None:
        await self._redis.aclose()
