"""What processes have used, by the operating system's accounting."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


def cpu_s_of(leader: psutil.Process) -> float:
    """CPU seconds of a process so far, its children's with it: those that run, and those that have ended."""
    used_s = _cpu_s(leader)
    for child in leader.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            used_s += _cpu_s(child)
    return used_s


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Processes by what they are called. Asked for anew each time, as one may have been started again."""

    processes: Mapping[str, Callable[[], psutil.Process]]

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu_s_of(process()) for name, process in self.processes.items()}
