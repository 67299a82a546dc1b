"""Producing what callers hand over: told to be taken once Kafka has it on all its replicas."""

import asyncio

from confluent_kafka import Message

from api.breaker import Breaker
from api.producing import Headers, Producing, unavailable


class Posting:
    """within_s: how long a caller waits. breaker: keeps callers from waiting for a Kafka that is away."""

    def __init__(self, producing: Producing, within_s: float, breaker: Breaker) -> None:
        self._producing = producing
        self._within_s = within_s
        self._breaker = breaker

    async def send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        """
        Raises:
            KafkaUnavailable: it may or may not have arrived: sending it again does no harm.
            BreakerOpen: it was not sent.
        """
        with self._breaker.call():
            await self._send(topic, key, value, headers)

    async def _send(self, topic: str, key: str, value: bytes, headers: Headers) -> None:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def tell(error: str | None) -> None:
            if arrived.done():
                return  # whoever asked has not waited
            if error is None:
                arrived.set_result(None)
            else:
                arrived.set_exception(unavailable(error))

        def delivered(error: str | None, message: Message) -> None:
            loop.call_soon_threadsafe(tell, error)

        self._producing.send(topic, key, value, delivered, headers)
        try:
            await asyncio.wait_for(arrived, self._within_s)
        except TimeoutError:
            raise unavailable("no answer in time") from None
