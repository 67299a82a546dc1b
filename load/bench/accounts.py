"""What processes have used, by the operating system's accounting: CPU with all their children, and memory."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


def cpu_s_of(leader: psutil.Process) -> float:
    """CPU seconds of a process so far, its children's with it: those that run, and those that have ended."""
    return sum(_each(leader, lambda process: float(sum(process.cpu_times()[:4]))))


def rss_mb_of(leader: psutil.Process) -> float:
    """Memory of a process and of its children; what several share is divided among them."""
    return sum(_each(leader, lambda process: float(process.memory_full_info().pss))) / 1e6


def _each(leader: psutil.Process, ask: Callable[[psutil.Process], float]) -> Iterator[float]:
    yield ask(leader)
    for child in leader.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            yield ask(child)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Processes by what they are called. Asked for anew each time, as one may have been started again."""

    processes: Mapping[str, Callable[[], psutil.Process]]

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu_s_of(process) for name, process in self._now()}

    def rss_mb(self) -> dict[str, float]:
        return {name: rss_mb_of(process) for name, process in self._now()}

    def _now(self) -> Iterator[tuple[str, psutil.Process]]:
        for name, process in self.processes.items():
            yield name, process()
