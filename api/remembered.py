"""Answers that took long, kept for a while: who asks the same again, or at the same moment, gets the same."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from models.errors import FraudError

Question = TypeVar("Question", bound=Hashable)
Found = TypeVar("Found")


class Remembered(Generic[Question, Found]):
    """compute: asked once for all who ask the same while it is under way, and for `for_s` after it answered.
    What fails is told to those who wait, and not kept. most: how many questions are known at once, the
    latest. clock: seconds, monotonic.
    """

    def __init__(
        self,
        compute: Callable[[Question], Awaitable[Found]],
        for_s: float,
        most: int,
        clock: Callable[[], float],
    ) -> None:
        self._compute = compute
        self._for_s = for_s
        self._most = most
        self._clock = clock
        self._known: dict[Question, asyncio.Task[Found]] = {}
        self._until: dict[Question, float] = {}  # of those that are answered

    async def ask(self, question: Question) -> Found:
        """Whoever goes away while he waits takes it from nobody else."""
        self._forget_old()
        task = self._known.get(question)
        if task is None:
            while len(self._known) >= self._most:
                self._forget(next(iter(self._known)))
            task = self._known[question] = asyncio.create_task(self._answer(question))
            task.add_done_callback(_heard)
        return await asyncio.shield(task)

    async def _answer(self, question: Question) -> Found:
        mine = asyncio.current_task()
        try:
            found = await self._compute(question)
        except BaseException:
            if self._known.get(question) is mine:
                self._forget(question)
            raise
        if self._known.get(question) is mine:
            self._until[question] = self._clock() + self._for_s
        return found

    def _forget_old(self) -> None:
        now_s = self._clock()
        for question in [each for each, until_s in self._until.items() if until_s <= now_s]:
            self._forget(question)

    def _forget(self, question: Question) -> None:
        self._known.pop(question, None)
        self._until.pop(question, None)

    async def close(self) -> None:
        """Nobody waits any longer."""
        for task in list(self._known.values()):
            task.cancel()
            with suppress(asyncio.CancelledError, FraudError):
                await task


def _heard(task: "asyncio.Task[Any]") -> None:
    """A failure that nobody waits for any more is no fault of the loop's."""
    if not task.cancelled():
        task.exception()
