"""Blocking calls of one kind, apart from all others: those that wait here hold up nobody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from models.errors import NoTimeLeft

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


class Bulkhead:
    """One thread: a connection that is used here alone needs no lock. within_s: how long a caller waits."""

    def __init__(self, name: str, within_s: float) -> None:
        self._name = name
        self._within_s = within_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(
        self, call: Callable[Arguments, Found], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Found:
        """
        Raises:
            NoTimeLeft: there was no answer in time. A call that has not begun is not made; one that has is
                finished all the same.
        """
        future = asyncio.wrap_future(self._thread.submit(call, *args, **kwargs))
        try:
            return await asyncio.wait_for(future, self._within_s)
        except TimeoutError:
            raise NoTimeLeft(
                f"there was no answer within {self._within_s:g} s", why=f"{self._name} waits too long"
            ) from None

    def close(self) -> None:
        """Waits for what is under way; what has not begun is not made."""
        self._thread.shutdown(cancel_futures=True)
