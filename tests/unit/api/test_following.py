"""Following alerts: each once and in order, from any place, with one reader for all."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.following import Feed
from api.problems import Problem
from load.doubles import FakeLedger, FakeListings, Row
from models.errors import LedgerUnavailable, OtherLedger
from streams.ports import FeedPage, PlaceInFeed
from tests.builders import decided

TURNS = 50  # of the event loop: more than anything here takes


class World:
    """A ledger in memory and its feed. reads: places that were read from."""

    def __init__(self, **limits: int) -> None:
        self.ledger = FakeLedger()
        self.lists = FakeListings(self.ledger)
        self.reads: list[PlaceInFeed] = []
        self.feed = Feed(self._read, self._end, sleep=lambda _: asyncio.sleep(0), **limits)

    async def _read(self, place: PlaceInFeed, limit: int) -> FeedPage:
        await asyncio.sleep(0)
        self.reads.append(place)
        return self.lists.alerts_after(place, min(limit, 3))

    async def _end(self) -> PlaceInFeed:
        return self.lists.end_of_feed()

    def write(self, *names: str, decision: str = "review") -> None:
        for name in names:
            made = decided(transaction_id=name, decision=decision)
            self.ledger.rows[name] = Row(made, None, None)  # type: ignore[arg-type]

    async def follow(self, place: PlaceInFeed | None, until: int) -> list[Any]:
        """The next so many alerts, with their places."""
        found: list[Any] = []
        if until == 0:
            return found
        async with aclosing(self.feed.follow(await self.feed.join(place))) as pages:
            async for page in pages:
                found += page.alerts
                if len(found) >= until:
                    return found[:until]
        return found


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


def run(act: Any) -> Any:
    async def within() -> Any:
        async with asyncio.timeout(20):
            return await act

    return asyncio.run(within())


def names(found: list[Any]) -> list[str]:
    return [each.decided.transaction_id for each in found]


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.data())
def test_whoever_hangs_up_and_comes_back_misses_and_repeats_nothing(
    bursts: list[int], data: st.DataObject
) -> None:
    """Alerts come in bursts, with approvals between; the caller hangs up after any of them."""

    async def act() -> None:
        world, place = World(kept=4), PlaceInFeed("ledger-1", 0)
        found: list[str] = []
        total = 0
        for number, burst in enumerate(bursts):
            world.write(f"approved-{number}", decision="approve")
            world.write(*(f"tx-{total + each}" for each in range(burst)))
            total += burst
            wanted = data.draw(st.integers(0, total - len(found)))
            some = await world.follow(place, wanted)
            found += names(some)
            place = some[-1].place if some else place
        found += names(await world.follow(place, total - len(found)))
        assert found == [f"tx-{each}" for each in range(total)]
        assert world.feed.followers == 0

    run(act())


def test_many_followers_see_the_same_with_one_reader() -> None:
    async def act() -> None:
        world = World()
        tasks = [asyncio.create_task(world.follow(None, 5)) for _ in range(20)]
        await turns()
        world.reads.clear()
        world.write(*"abcde")
        seen = await asyncio.gather(*tasks)
        assert all(names(each) == list("abcde") for each in seen)
        # Two pages: not one read for each follower.
        assert len(set(world.reads)) <= 3

    run(act())


def test_nothing_is_read_while_nobody_follows() -> None:
    async def act() -> None:
        world = World()
        world.write("a")
        await world.follow(PlaceInFeed("ledger-1", 0), 1)
        await turns()
        world.reads.clear()
        await turns()
        assert world.reads == []

    run(act())


def test_no_more_than_so_many_may_follow() -> None:
    async def act() -> None:
        world = World(most=2)
        pages = [world.feed.follow(await world.feed.join(None)) for _ in range(3)]
        first = [await anext(each, None) for each in pages]
        assert [each is not None for each in first] == [True, True, False]
        with pytest.raises(Problem) as refused:
            await world.feed.join(None)
        assert (refused.value.code, "Retry-After" in refused.value.headers) == ("overloaded", True)
        await pages[0].aclose()
        await world.feed.join(None)
        await pages[1].aclose()

    run(act())


def test_whoever_falls_back_by_more_than_is_kept_is_let_go() -> None:
    async def act() -> None:
        world = World(kept=3)
        async with aclosing(world.feed.follow(await world.feed.join(None))) as slow:
            for _ in range(TURNS):
                await anext(slow)
            # It takes nothing now, while others go on.
            world.write(*(f"tx-{each}" for each in range(10)))
            assert len(await world.follow(PlaceInFeed("ledger-1", 0), 10)) == 10
            await turns()
            assert [page async for page in slow] == []

    run(act())


def test_a_ledger_that_is_away_for_a_while_costs_nothing() -> None:
    async def act() -> None:
        world = World()
        following = asyncio.create_task(world.follow(None, 2))
        await turns()
        world.write("a")
        world.ledger.reachable = False
        await turns()
        with pytest.raises(LedgerUnavailable):
            await world.feed.join(None)
        world.ledger.reachable = True
        world.write("b")
        assert names(await following) == ["a", "b"]

    run(act())


def test_who_follows_a_ledger_that_is_restored_is_let_go() -> None:
    async def act() -> None:
        world = World()
        place = world.lists.end_of_feed()
        following = asyncio.create_task(world.follow(None, 1))
        await turns()
        world.lists.ledger_id = "ledger-2"
        assert await following == []
        with pytest.raises(OtherLedger):
            await world.feed.join(place)

    run(act())


def test_closing_ends_the_reader() -> None:
    async def act() -> None:
        world = World()
        pages = world.feed.follow(await world.feed.join(None))
        await anext(pages)
        await world.feed.close()
        await world.feed.close()
        await pages.aclose()

    run(act())
