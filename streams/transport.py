"""Faust's transport on librdkafka: one event of Faust is one sweep, acknowledged when it has been handled.

Faust's own drivers cost four asyncio tasks for each record and acknowledge what has failed. Here the poller's
thread does the reading, and Faust's streams and agents see sweeps. See docs/adr/0003.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import faust
from faust.transport.base import Transport
from faust.transport.consumer import Consumer
from faust.transport.producer import Producer
from faust.types import TP, ConsumerMessage
from yarl import URL

from streams.arrivals import Sweep
from streams.offsets import Place
from streams.poller import Poller

ASSIGN_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 12.0


class SweepConsumer(Consumer):  # type: ignore[misc]
    """Faust's consumer, less what the poller does: fetching, offsets and the group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sweeps: asyncio.Queue[Sweep] = asyncio.Queue()
        self._owned: frozenset[Place] = frozenset()
        self._poller: Poller | None = None

    async def subscribe(self, topics: Iterable[str]) -> None:
        if self._poller is None:
            loop = asyncio.get_running_loop()

            def on_the_loop(call: Callable[..., Any], *values: Any) -> None:
                loop.call_soon_threadsafe(call, *values)

            self._poller = self.transport.poller
            self._poller.start(
                deliver=lambda sweep: on_the_loop(self._sweeps.put_nowait, sweep),
                assigned=lambda places: self._tell(loop, places),
            )

    def _tell(self, loop: asyncio.AbstractEventLoop, places: frozenset[Place]) -> None:
        """On the poller's thread: let Faust know its partitions, and wait until it does."""
        asyncio.run_coroutine_threadsafe(self._assign(places), loop).result(ASSIGN_TIMEOUT_S)

    async def _assign(self, places: frozenset[Place]) -> None:
        self._owned = places
        self.app.on_rebalance_start()
        await self.on_partitions_assigned({TP(*place) for place in places})

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                await self.callback(self._to_message(None, await self._sweeps.get()))
        except asyncio.CancelledError:
            if not (self.should_stop or self.app.should_stop):
                raise

    def _to_message(self, tp: Any, record: Sweep) -> ConsumerMessage:
        tp = TP(record.topic, int(record.partition[-1]))
        offset = int(record.offset[-1])
        time_s = float(record.timestamp_ms[-1]) / 1000
        generation = self.app.consumer_generation_id
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            offset,
            time_s,
            0,
            [],
            None,
            record,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    def ack(self, message: ConsumerMessage) -> bool:
        """The sweep has been handled; the poller knows it already."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        if self._waiting_for_ack is not None and not self._waiting_for_ack.done():
            self._waiting_for_ack.set_result(None)
        return True

    def refuse(self, message: ConsumerMessage) -> None:
        """The sweep was not ours: its records are read again, by whoever owns them."""
        if self.ack(message) and self._poller is not None:
            self._poller.refused(message.value.lane)

    async def on_stop(self) -> None:
        await super().on_stop()
        if self._poller is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self._poller.stop, STOP_TIMEOUT_S)

    def owns(self, topic: str, number: int) -> bool:
        return (topic, number) in self._owned

    def assignment(self) -> set[TP]:
        return {TP(*place) for place in self._owned}

    def topic_partitions(self, topic: str) -> int | None:
        return sum(1 for owned, _ in self._owned if owned == topic)

    # Faust asks for these around its own fetching, which does not take place here.

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return False

    async def perform_seek(self) -> None:
        return

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return {}

    async def _seek(self, partition: TP, offset: int) -> None:
        raise NotImplementedError

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        raise NotImplementedError

    async def _getmany(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        raise NotImplementedError

    async def position(self, tp: TP) -> int | None:
        return None

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return {}

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        return {}

    def highwater(self, tp: TP) -> int:
        return 0

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return partition

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)


class SilentProducer(Producer):  # type: ignore[misc]
    """Faust produces nothing here: what goes out belongs to the outbox's transactions."""


class SweepTransport(Transport):  # type: ignore[misc]
    """Set as `app.transport` where the app is built."""

    Consumer = SweepConsumer
    Producer = SilentProducer
    driver_version = "sweeps"

    def __init__(self, app: faust.App, poller: Poller) -> None:
        super().__init__([URL("sweeps://")], app)
        self.poller = poller
