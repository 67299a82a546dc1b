"""What a gateway reads to show: lists, the alerts as they come, and counts; apart from whatever decides.

Each kind has a connection and a thread of its own, so that a heavy list holds up neither a decision nor the
feed.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cached_property

from api.bulkhead import Bulkhead
from api.cursors import Cursors
from api.following import Feed
from api.statistics import Frame, Statistics, statistics_of
from models.decision import DecidedTransaction
from models.errors import FraudError
from models.scorer import Scorer
from models.shared_key import SharedKey
from streams.kafka import reader_config
from streams.ledger.listing import PostgresListings
from streams.ledger.statistics import Offsets, PostgresStatistics, with_offsets
from streams.log_reader import LogReader
from streams.ports import FeedPage, PlaceInFeed, PlaceInList
from streams.ports.listing import Wanted
from streams.roles import reader_address
from streams.settings import Settings

LIST_S, FEED_S, FIGURES_S, KAFKA_S = 3.0, 3.0, 3.0, 1.5
WITHIN_S = 5.0  # with what waits before it


class Reading:
    """cursor_key: shared by all gateways. scorer: what is in force; None while nothing is."""

    def __init__(
        self, settings: Settings, cursor_key: bytes | SharedKey, scorer: Callable[[], Scorer | None]
    ) -> None:
        self.cursors = Cursors(cursor_key)
        self._settings = settings
        self._scorer = scorer
        self._topics = (settings.transactions_topic, settings.labels_topic)
        url = settings.database_url
        self._lists = PostgresListings(url, LIST_S, "fraudml-lists")
        self._alerts = PostgresListings(url, FEED_S, "fraudml-feed")
        self._figures = PostgresStatistics(reader_address(settings), FIGURES_S, "fraudml-stats")
        self._list_thread = Bulkhead("list", WITHIN_S)
        self._feed_thread = Bulkhead("feed", WITHIN_S)
        self._figures_thread = Bulkhead("stats", WITHIN_S)
        self._kafka_thread = Bulkhead("lag", WITHIN_S)

    async def page(self, wanted: Wanted, before: PlaceInList | None, limit: int) -> list[DecidedTransaction]:
        """As `streams.ports.Listings.page`."""
        return await self._list_thread.run(self._lists.page, wanted, before, limit)

    @cached_property
    def feed(self) -> Feed:
        async def read(place: PlaceInFeed, limit: int) -> FeedPage:
            return await self._feed_thread.run(self._alerts.alerts_after, place, limit)

        async def end() -> PlaceInFeed:
            return await self._feed_thread.run(self._alerts.end_of_feed)

        return Feed(read, end)

    async def statistics(self, frame: Frame) -> Statistics:
        """
        Raises:
            LedgerUnavailable: Postgres cannot be reached, or takes too long.
        """
        figures = await self._figures_thread.run(
            self._figures.figures, frame.since, frame.until, frame.interval_s, self._topics
        )
        offsets: Offsets = {}
        with suppress(FraudError):
            offsets = await self._kafka_thread.run(self._offsets)
        return statistics_of(
            frame,
            figures,
            with_offsets(figures.partitions, offsets),
            self._scorer(),
            [] if offsets else ["kafka"],
        )

    def _offsets(self) -> Offsets:
        found = {}
        for topic in self._topics:
            committed = self._log.committed(topic)
            for number, (_, end) in self._log.ends(topic).items():
                found[topic, number] = (committed.get(number), end)
        return found

    @cached_property
    def _log(self) -> LogReader:
        return LogReader(reader_config(self._settings, self._settings.group_id), KAFKA_S)

    async def close(self) -> None:
        await self.feed.close()
        for thread in (self._list_thread, self._feed_thread, self._figures_thread, self._kafka_thread):
            thread.close()
        for store in (self._lists, self._alerts, self._figures):
            store.close()
        if "_log" in self.__dict__:
            self._log.close()
