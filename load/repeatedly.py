"""Something done again and again on a thread of its own, beside whatever goes on meanwhile."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Self


class Repeatedly:
    """call: what goes wrong with it is the last of it, and comes out at the end."""

    def __init__(self, name: str, call: Callable[[], object], every_s: float) -> None:
        self._call, self._every_s = call, every_s
        self._stop = Event()
        self._broken: Exception | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._broken is not None:
            raise self._broken

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self._call()
            except Exception as error:
                self._broken = error
                return
