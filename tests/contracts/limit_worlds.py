"""A limit with its clock in the test's hand, once in Redis and once in the process."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

from api.limits import Allowance, Limit, LocalLimit, SharedLimit

TIMEOUT_S = 5.0


class LimitWorld(Protocol):
    def ask(self, key_id: str, limit: int, *times_us: int) -> list[Allowance]:
        """One request at each of these times."""

    def ask_together(self, key_id: str, limit: int, count: int, *times_us: int) -> list[list[Allowance]]:
        """So many requests at each of these times."""


@dataclass
class LocalWorld:
    def __post_init__(self) -> None:
        self._limit = LocalLimit(lambda: 0.0)

    def ask(self, key_id: str, limit: int, *times_us: int) -> list[Allowance]:
        return [each for (each,) in self.ask_together(key_id, limit, 1, *times_us)]

    def ask_together(self, key_id: str, limit: int, count: int, *times_us: int) -> list[list[Allowance]]:
        return asyncio.run(asked(self._limit, key_id, limit, times_us, count))


@dataclass
class RedisWorld:
    url: str

    def ask(self, key_id: str, limit: int, *times_us: int) -> list[Allowance]:
        return [each for (each,) in self.ask_together(key_id, limit, 1, *times_us)]

    def ask_together(self, key_id: str, limit: int, count: int, *times_us: int) -> list[list[Allowance]]:
        async def run() -> list[list[Allowance]]:
            shared = SharedLimit(self.url, TIMEOUT_S)
            try:
                return await asked(shared, key_id, limit, times_us, count)
            finally:
                await shared.close()

        return asyncio.run(run())


async def asked(limit: Limit, key_id: str, most: int, times_us: Any, count: int = 1) -> list[list[Allowance]]:
    return [await limit.ask(key_id, most, count=count, now_us=now_us) for now_us in times_us]


def rightly(times_us: list[int], most: int, window_us: int) -> list[bool]:
    """What an exact limit answers: by counting, for each request, those that passed within its window."""
    passed: list[int] = []
    answers = []
    for now_us in times_us:
        answers.append(sum(then > now_us - window_us for then in passed) < most)
        if answers[-1]:
            passed.append(now_us)
    return answers
