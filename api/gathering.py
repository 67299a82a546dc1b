"""Requests that wait at the same moment are answered together, as records of a stream are in a sweep."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from api.pace import AT_ONCE, Pace
from models.errors import FraudError, InFlight

MOST_AT_ONCE = 256

Asked = TypeVar("Asked")
Told = TypeVar("Told")


class Gathering(Generic[Asked, Told]):
    """Hands over what waits, all at once, as soon as the last sweep is done; an idle one waits for nobody.

    answer: one thread's work, a result or an error for each. name: what no two requests in a sweep share.
    pace: how soon the next sweep begins where many come.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Asked]], Sequence[Told | FraudError]],
        name: Callable[[Asked], str],
        thread: Executor,
        most: int = MOST_AT_ONCE,
        pace: Pace = AT_ONCE,
    ) -> None:
        self._answer = answer
        self._name = name
        self._thread = thread
        self._most = most
        self._pace = pace
        self._waiting: dict[str, tuple[Asked, asyncio.Future[Told]]] = {}
        self._in_work: dict[str, tuple[Asked, asyncio.Future[Told]]] = {}
        self._running: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Told:
        """
        Raises:
            InFlight: a request of that name is being answered.
        """
        name = self._name(asked)
        if name in self._waiting or name in self._in_work:
            raise InFlight(name)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (asked, future)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        try:
            return await future
        except asyncio.CancelledError:
            self._forget(name, future)
            raise

    def _forget(self, name: str, future: "asyncio.Future[Told]") -> None:
        """Nobody waits any more: what has not begun is not done."""
        if name in self._waiting and self._waiting[name][1] is future:
            del self._waiting[name]

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < self._most and (wait_s := self._pace.wait_s()):
                await asyncio.sleep(wait_s)
            names = list(self._waiting)[: self._most]
            if not names:
                return  # all have hung up
            self._pace.begins(len(names))
            self._in_work = {name: self._waiting.pop(name) for name in names}
            try:
                await self._sweep(list(self._in_work.values()))
            finally:
                self._in_work = {}

    async def _sweep(self, sweep: Sequence[tuple[Asked, "asyncio.Future[Told]"]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            told = await loop.run_in_executor(self._thread, self._answer, [asked for asked, _ in sweep])
        except Exception as error:
            told = [error] * len(sweep)  # type: ignore[list-item]
        for (_, future), each in zip(sweep, told, strict=True):
            if future.done():
                continue  # who asked has hung up
            if isinstance(each, Exception):
                future.set_exception(each)
                future.exception()  # who hangs up at this moment does not fetch it
            else:
                future.set_result(each)
