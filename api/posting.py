"""Producing what callers hand over: told to be taken once Kafka has it on all its replicas."""

import asyncio

from confluent_kafka import Message

from api.producing import Producing, unavailable


class Posting:
    """within_s: how long a caller waits."""

    def __init__(self, producing: Producing, within_s: float) -> None:
        self._producing = producing
        self._within_s = within_s

    async def send(self, topic: str, key: str, value: bytes) -> None:
        """
        Raises:
            KafkaUnavailable: it may or may not have arrived: sending it again does no harm.
        """
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

        self._producing.send(topic, key, value, delivered)
        try:
            await asyncio.wait_for(arrived, self._within_s)
        except TimeoutError:
            raise unavailable("no answer in time") from None
