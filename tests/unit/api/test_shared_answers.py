"""One question is asked once, however many ask it."""

import asyncio

import pytest

from api.shared_answers import MOST_KEPT, SharedAnswers
from models.errors import Unauthenticated


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Asked:
    """Answers how often it was asked, once it may."""

    def __init__(self) -> None:
        self.times = 0
        self.may = asyncio.Event()

    async def __call__(self) -> int:
        self.times += 1
        await self.may.wait()
        return self.times


def test_who_asks_at_the_same_moment_hears_the_same(clock: Clock) -> None:
    async def ask() -> None:
        shared, asked = SharedAnswers(clock), Asked()
        waiting = [asyncio.create_task(shared.ask("q", 1.0, asked)) for _ in range(3)]
        await asyncio.sleep(0)
        asked.may.set()
        assert await asyncio.gather(*waiting) == [1, 1, 1]
        assert await shared.ask("other", 1.0, asked) == 2

    asyncio.run(ask())


def test_an_answer_is_told_again_until_it_is_stale(clock: Clock) -> None:
    async def ask() -> None:
        shared, asked = SharedAnswers(clock), Asked()
        asked.may.set()
        assert await shared.ask("q", 1.0, asked) == 1
        clock.now_s += 0.9
        assert await shared.ask("q", 1.0, asked) == 1
        clock.now_s += 0.2
        assert await shared.ask("q", 1.0, asked) == 2

    asyncio.run(ask())


def test_an_error_is_told_to_those_who_wait_and_to_nobody_later(clock: Clock) -> None:
    async def ask() -> None:
        shared = SharedAnswers(clock)

        async def fails() -> int:
            await asyncio.sleep(0)
            raise LookupError

        async def works() -> int:
            return 7

        found = await asyncio.gather(
            shared.ask("q", 9.0, fails), shared.ask("q", 9.0, works), return_exceptions=True
        )
        assert [type(each) for each in found] == [LookupError, LookupError]
        assert await shared.ask("q", 9.0, works) == 7

    asyncio.run(ask())


def test_who_goes_away_takes_nobodys_answer(clock: Clock) -> None:
    async def ask() -> None:
        shared, asked = SharedAnswers(clock), Asked()
        first, second = (asyncio.create_task(shared.ask("q", 1.0, asked)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        asked.may.set()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(ask())


def test_only_so_many_answers_are_kept(clock: Clock) -> None:
    async def ask() -> None:
        shared, asked = SharedAnswers(clock), Asked()
        asked.may.set()
        for number in range(MOST_KEPT + 1):
            await shared.ask(number, 60.0, asked)
        assert await shared.ask(MOST_KEPT, 60.0, asked) == MOST_KEPT + 1
        assert await shared.ask(0, 60.0, asked) == MOST_KEPT + 2

    asyncio.run(ask())


def test_what_one_person_may_not_is_no_answer_for_another(clock: Clock) -> None:
    async def ask() -> None:
        shared = SharedAnswers(clock)

        async def refused() -> str:
            await asyncio.sleep(0)
            raise Unauthenticated("signed out")

        async def works() -> str:
            return "told"

        found = await asyncio.gather(
            shared.ask("q", 9.0, refused), shared.ask("q", 9.0, works), return_exceptions=True
        )
        assert [type(found[0]), found[1]] == [Unauthenticated, "told"]

    asyncio.run(ask())


def test_what_is_under_way_ends_when_it_is_closed(clock: Clock) -> None:
    async def ask() -> None:
        shared = SharedAnswers(clock)
        asking = asyncio.create_task(shared.ask("q", 1.0, Asked()))
        await asyncio.sleep(0)
        await shared.close()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(ask())
