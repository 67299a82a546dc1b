"""The gateways of a drill: their processes, their callers, and a way to ask them something besides."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from load.chaos.callers import Callers, ask, client_of
from load.chaos.crew import Crew
from load.chaos.heard import LOST, Reply
from models.errors import Unavailable

TRIES = 120
PAUSE_S = 0.5
# Of the key that must not open more than that in a minute, whatever is away.
LIMITED = 20


@dataclass
class FrontDoor:
    """key: of a caller who may ask as often as he likes. limited_key: opens LIMITED times a minute."""

    crew: Crew
    callers: Callers
    addresses: Sequence[str]
    key: str
    limited_key: str

    def ask(self, documents: Sequence[bytes]) -> list[Reply]:
        """One after the other, at whichever gateway answers; waits for one that is being started again.

        Raises:
            Unavailable: none comes back.
        """
        return asyncio.run(self._ask(documents))

    async def _ask(self, documents: Sequence[bytes]) -> list[Reply]:
        clients = [client_of(address, self.key) for address in self.addresses]
        try:
            replies = []
            for document in documents:
                for number in range(TRIES):
                    reply = await ask(clients[number % len(clients)], document, monotonic)
                    if reply.status != LOST and reply.status < 500:
                        break
                    await asyncio.sleep(PAUSE_S)
                else:
                    raise Unavailable("no gateway answers", why=reply.code or str(reply.status))
                replies.append(reply)
            return replies
        finally:
            for client in clients:
                await client.aclose()

    def ask_often(self, document: bytes, times: int) -> list[Reply]:
        """By the limited key, the first gateway alone, whatever it answers."""
        return asyncio.run(self._ask_often(document, times))

    async def _ask_often(self, document: bytes, times: int) -> list[Reply]:
        client = client_of(self.addresses[0], self.limited_key)
        try:
            return [await ask(client, document, monotonic) for _ in range(times)]
        finally:
            await client.aclose()
