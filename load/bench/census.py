"""What processes use, read again and again on a thread of its own, beside whatever is measured."""

import time
from collections.abc import Callable, Mapping
from threading import Event, Thread

from load.bench.accounts import Use

# When it was read (perf_counter), and by process.
Reading = tuple[float, Mapping[str, Use]]


class Census:
    """read: what each process uses now. What goes wrong with it comes out at the end."""

    def __init__(self, read: Callable[[], Mapping[str, Use]], every_s: float) -> None:
        self._read, self._every_s = read, every_s
        self._stop = Event()
        self._broken: Exception | None = None
        self._thread = Thread(target=self._run, name="census", daemon=True)
        self.readings: list[Reading] = []

    def __enter__(self) -> "Census":
        self._take()
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
                self._take()
            except Exception as error:
                self._broken = error
                return

    def _take(self) -> None:
        self.readings.append((time.perf_counter(), self._read()))
