"""What processes use, read again and again beside whatever is measured."""

import time
from collections.abc import Callable, Mapping
from typing import Self

from load.bench.accounts import Use
from load.repeatedly import Repeatedly

# When it was read (perf_counter), and by process.
Reading = tuple[float, Mapping[str, Use]]


class Census(Repeatedly):
    """read: what each process uses now."""

    def __init__(self, read: Callable[[], Mapping[str, Use]], every_s: float) -> None:
        super().__init__("census", self._take, every_s)
        self._read = read
        self.readings: list[Reading] = []

    def __enter__(self) -> Self:
        self._take()
        return super().__enter__()

    def _take(self) -> None:
        self.readings.append((time.perf_counter(), self._read()))
