"""Callers of the gateways: each asks about a transaction until it is told, as a careful client would."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import httpx
import msgspec

from load.chaos.heard import LOST, Heard, Reply

SCORE = "/v1/score"
CONNECTIONS = 24
TIMEOUT_S = 2.0
TRIES = 12
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 3.0
# Some never try again, so that not every outcome is known; some ask once more what they know.
IMPATIENT, CURIOUS = 0.05, 0.05
LOOK_EVERY_S = 0.005


class Question(NamedTuple):
    transaction_id: str
    document: bytes


class Problem(msgspec.Struct):
    code: str = ""


def reply_of(response: httpx.Response, began_s: float, now_s: float) -> Reply:
    body, code = response.content, ""
    if not response.is_success:
        try:
            code = msgspec.json.decode(body, type=Problem).code
        except msgspec.DecodeError:
            code = "no_problem_document"
    durable = response.headers.get("Fraud-Durable", "ledger")
    return Reply(response.status_code, code, body, durable, now_s, now_s - began_s)


@dataclass
class Callers:
    """A gateway that does not answer is left for the next one.

    connect: makes a client of each gateway. due: how many may have been asked by now; called from the
    callers' thread. patient: whether they ask again. heard: by transaction id. replies: every single one, in
    order.
    """

    connect: Callable[[], Sequence[httpx.AsyncClient]]
    due: Callable[[], float]
    rng: Random
    patient: bool = True
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    heard: dict[str, Heard] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    stopped: bool = False

    def run(self, questions: Sequence[Question]) -> None:
        """Until all are settled or given up; after `stop`, those that have been begun."""
        asyncio.run(self._run(questions))

    def stop(self) -> None:
        self.stopped = True

    def knows(self, transaction_id: str) -> bool:
        """Whether it was told from the ledger: there it is for good."""
        heard = self.heard.get(transaction_id)
        return heard is not None and "ledger" in list(heard.answers.values())

    async def _run(self, questions: Sequence[Question]) -> None:
        clients = self.connect()
        waiting = iter(enumerate(questions))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(CONNECTIONS):
                    group.create_task(self._one_caller(clients, waiting))
        finally:
            for client in clients:
                await client.aclose()

    async def _one_caller(
        self, clients: Sequence[httpx.AsyncClient], waiting: Iterator[tuple[int, Question]]
    ) -> None:
        for number, question in waiting:
            # Other threads say what is due.
            while number >= self.due() and not self.stopped:
                await self.sleep(LOOK_EVERY_S)
            if self.stopped:
                return
            await self._settle(clients, question)

    async def _settle(self, clients: Sequence[httpx.AsyncClient], question: Question) -> None:
        heard = self.heard.setdefault(question.transaction_id, Heard())
        first = self.rng.randrange(len(clients))
        tries = TRIES if self.patient and self.rng.random() >= IMPATIENT else 1
        for number in range(tries):
            await self._ask(clients[(first + number) % len(clients)], question.document, heard)
            if heard.settled:
                break
            longest_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**number)
            await self.sleep(longest_s * self.rng.random())
        if self.patient and heard.answers and self.rng.random() < CURIOUS:
            await self._ask(self.rng.choice(clients), question.document, heard)

    async def _ask(self, client: httpx.AsyncClient, document: bytes, heard: Heard) -> None:
        reply = await ask(client, document, self.clock)
        self.replies.append(reply)
        heard.note(reply)


async def ask(client: httpx.AsyncClient, document: bytes, clock: Callable[[], float]) -> Reply:
    began_s = clock()
    try:
        response = await client.post(SCORE, content=document)
    except httpx.HTTPError as error:
        return Reply(LOST, type(error).__name__, b"", "", clock(), clock() - began_s)
    return reply_of(response, began_s, clock())


def client_of(address: str, key: str) -> httpx.AsyncClient:
    """Keeps its connections."""
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return httpx.AsyncClient(
        base_url=address, headers=headers, timeout=TIMEOUT_S, limits=limits, trust_env=False
    )
