"""Answers that take long or are asked by many: what several ask at once, or soon again, is asked once."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from typing import Any, NamedTuple

from models.errors import Denied, FraudError

MOST_KEPT = 256


class Kept(NamedTuple):
    """before: what the question was answered with before."""

    answer: "asyncio.Task[Any]"
    asked_s: float
    before: Any = None

    @property
    def has_failed(self) -> bool:
        return self.answer.done() and (self.answer.cancelled() or self.answer.exception() is not None)

    @property
    def last(self) -> Any:
        return self.answer.result() if self.answer.done() and not self.has_failed else self.before


class SharedAnswers:
    """clock: monotonic, in seconds. most: how many questions are known at once, the latest."""

    def __init__(self, clock: Callable[[], float], most: int = MOST_KEPT) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()

    async def ask(self, question: Hashable, fresh_s: float, asked: Callable[[], Awaitable[Any]]) -> Any:
        """The answer to a question; whoever asks it meanwhile hears the same, be it an error, but one of who
        asked.

        fresh_s: for how long an answer is told again.
        """
        kept = self._kept.get(question)
        joins = kept is not None and self._holds(kept, fresh_s)
        if kept is None or not joins:
            kept = Kept(asyncio.ensure_future(asked()), self._clock(), self.last(question))
            kept.answer.add_done_callback(_looked_at)
            self._kept[question] = kept
            self._kept.move_to_end(question)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        try:
            # One that is cancelled must not take the answer from the others.
            return await asyncio.shield(kept.answer)
        except Denied:
            if not joins:
                raise
        return await asked()

    def _holds(self, kept: Kept, fresh_s: float) -> bool:
        if not kept.answer.done():
            return True
        return not kept.has_failed and self._clock() - kept.asked_s < fresh_s

    def last(self, question: Hashable) -> Any:
        """What it was answered with last; None where it never was, or not lately."""
        kept = self._kept.get(question)
        return None if kept is None else kept.last

    def outdate(self, is_meant: Callable[[Hashable], bool]) -> None:
        """What is known of these questions, or on its way, was asked too early: they are asked anew."""
        for question, kept in self._kept.items():
            if is_meant(question):
                self._kept[question] = kept._replace(asked_s=-math.inf)

    async def close(self) -> None:
        """Nobody waits any longer."""
        for kept in self._kept.values():
            kept.answer.cancel()
            with suppress(asyncio.CancelledError, FraudError):
                await kept.answer


def _looked_at(answer: "asyncio.Task[Any]") -> None:
    """Whoever asked may be gone by then: an error that nobody hears is none of the event loop's business."""
    if not answer.cancelled():
        answer.exception()
