"""Following the alerts: one reader of the ledger for all who follow in a process."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice

import structlog

from api.problems import Problem
from models.errors import FraudError, OtherLedger
from streams.ports import Alerted, FeedPage, PlaceInFeed

log = structlog.get_logger(__name__)

EVERY_S = 0.25
MOST_AT_ONCE = 500
KEPT = 5_000
MOST_FOLLOWERS = 64
RETRY_AFTER_S = 5


class Feed:
    """The newest alerts, kept once; whoever comes from further back reads the ledger until it has them.

    read, end: as `streams.ports.Listings` has them. most: how many may follow. kept: how many alerts; whoever
    had them all and falls back by more is let go. For one event loop; reads only while somebody follows.
    """

    def __init__(
        self,
        read: Callable[[PlaceInFeed, int], Awaitable[FeedPage]],
        end: Callable[[], Awaitable[PlaceInFeed]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        most: int = MOST_FOLLOWERS,
        kept: int = KEPT,
    ) -> None:
        self._read = read
        self._end = end
        self._sleep = sleep
        self._most = most
        self._kept = kept
        self._newest: deque[Alerted] = deque()
        self._since: PlaceInFeed | None = None  # `_newest` has all alerts from here to `_until`
        self._until: PlaceInFeed | None = None
        self._turned = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.followers = 0

    async def join(self, place: PlaceInFeed | None) -> PlaceInFeed:
        """Where to follow from. None: from now on.

        Raises:
            Problem: overloaded: too many follow already.
            OtherLedger: the place is of another ledger.
            Unavailable: the ledger cannot be read.
        """
        if self.followers >= self._most:
            raise Problem("overloaded", headers={"Retry-After": str(RETRY_AFTER_S)})
        if place is None:
            return await self._end()
        await self._read(place, 1)
        return place

    async def follow(self, place: PlaceInFeed) -> AsyncGenerator[FeedPage]:
        """What comes after a place, once each and in order; a page at every turn, even if it holds nothing.

        Ends for whoever is too slow, where the ledger is another one, and where too many follow.
        """
        with self._seat() as seated:
            had_all = not seated
            while seated:
                turned = self._turned
                if not self._keeps_all_after(place):
                    if had_all:
                        log.info("follower_let_go", why="too slow, or the ledger is another one")
                        return
                    try:
                        page = await self._read(place, MOST_AT_ONCE)
                    except OtherLedger:
                        return
                    except FraudError:
                        page = FeedPage((), place, True)
                else:
                    page, had_all = self._kept_after(place), True
                place = page.place
                yield page
                if page.is_all:
                    await turned.wait()

    @contextmanager
    def _seat(self) -> Iterator[bool]:
        if self.followers >= self._most:
            yield False
            return
        self.followers += 1
        if self._reader is None:
            self._reader = asyncio.create_task(self._run())
        try:
            yield True
        finally:
            self.followers -= 1
            if not self.followers:
                self._reader.cancel()
                self._reader = self._since = self._until = None
                self._newest.clear()

    def _keeps_all_after(self, place: PlaceInFeed) -> bool:
        since = self._since
        return since is not None and since.ledger_id == place.ledger_id and since <= place

    def _kept_after(self, place: PlaceInFeed) -> FeedPage:
        assert self._until is not None, "there is a beginning, so there is an end"
        first = bisect_right(self._newest, place, key=lambda each: each.place)
        found = list(islice(self._newest, first, first + MOST_AT_ONCE))
        if first + len(found) < len(self._newest):
            return FeedPage(found, found[-1].place, False)
        return FeedPage(found, max(self._until, place), True)

    async def _run(self) -> None:
        while True:
            pause_s = EVERY_S
            try:
                if await self._turn():
                    pause_s = 0.0
            except OtherLedger:
                # Nobody's place is worth anything now: followers read, hear the same, and end.
                self._newest.clear()
                self._since = self._until = None
            except FraudError as error:
                log.warning("alerts_not_read", why=str(error))
            except Exception as error:
                log.error("alerts_not_read", exc_info=error)  # who waits must not wait for ever
            finally:
                turned, self._turned = self._turned, asyncio.Event()
                turned.set()
            await self._sleep(pause_s)

    async def _turn(self) -> bool:
        """One look; whether there is more already."""
        if self._until is None:
            self._since = self._until = await self._end()
            return True
        page = await self._read(self._until, MOST_AT_ONCE)
        self._newest.extend(page.alerts)
        while len(self._newest) > self._kept:
            self._since = self._newest.popleft().place
        self._until = page.place
        return not page.is_all

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
