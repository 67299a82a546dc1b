"""Answers are kept for a while, and computed once for all who ask at the same moment."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from api.remembered import Remembered
from models.errors import TooWide


class Slow:
    """Computes when it is let; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.may = asyncio.Event()
        self.fails = False

    async def __call__(self, question: str) -> str:
        self.asked[question] += 1
        await self.may.wait()
        if self.fails:
            raise TooWide("too much")
        return f"{question} {self.asked[question]}"


class World:
    def __init__(self, most: int = 2) -> None:
        self.now_s = 0.0
        self.slow = Slow()
        self.known: Remembered[str, str] = Remembered(self.slow, 60.0, most, lambda: self.now_s)

    async def asked(self, *questions: str) -> list[Any]:
        """At once, and then let it compute."""
        asking = asyncio.gather(*map(self.known.ask, questions), return_exceptions=True)
        await asyncio.sleep(0)
        self.slow.may.set()
        return list(await asking)


def test_the_same_question_at_once_is_computed_once() -> None:
    async def main() -> None:
        world = World()
        assert await world.asked("a", "a", "b", "a") == ["a 1", "a 1", "b 1", "a 1"]
        assert world.slow.asked == {"a": 1, "b": 1}

    asyncio.run(main())


def test_an_answer_is_kept_for_its_time_and_not_longer() -> None:
    async def main() -> None:
        world = World()
        await world.asked("a")
        world.now_s = 59.9
        assert await world.asked("a") == ["a 1"]
        world.now_s = 60.0
        assert await world.asked("a") == ["a 2"]

    asyncio.run(main())


def test_its_time_begins_when_it_is_answered() -> None:
    async def main() -> None:
        world = World()
        asking = asyncio.create_task(world.known.ask("a"))
        await asyncio.sleep(0)
        world.now_s = 100.0
        world.slow.may.set()
        await asking
        world.now_s = 159.0
        assert await world.asked("a") == ["a 1"]

    asyncio.run(main())


def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    async def main() -> None:
        world = World()
        world.slow.fails = True
        assert [type(each) for each in await world.asked("a", "a")] == [TooWide, TooWide]
        world.slow.fails = False
        assert await world.asked("a") == ["a 2"]

    asyncio.run(main())


def test_only_so_many_are_kept_and_the_oldest_goes() -> None:
    async def main() -> None:
        world = World(most=2)
        for question in ("a", "b", "c", "b", "a"):
            await world.asked(question)
        assert world.slow.asked == {"a": 2, "b": 1, "c": 1}

    asyncio.run(main())


def test_who_goes_away_takes_the_answer_from_nobody() -> None:
    async def main() -> None:
        world = World()
        gone, stays = (asyncio.create_task(world.known.ask("a")) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        world.slow.may.set()
        assert await stays == "a 1"
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(main())


def test_what_is_under_way_ends_when_it_is_closed() -> None:
    async def main() -> None:
        world = World()
        asking = asyncio.create_task(world.known.ask("a"))
        await asyncio.sleep(0)
        await world.known.close()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(main())
