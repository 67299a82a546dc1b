"""What processes have used, by the operating system's accounting."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from models.errors import FraudError


@dataclass(frozen=True, slots=True)
class Use:
    """Of a process and its children so far. memory_mb: resident; what several of them share counts once."""

    pid: int
    cpu_s: float
    memory_mb: float


def cpu_s_of(leader: psutil.Process) -> float:
    """CPU seconds of a process so far, its children's with it: those that run, and those that have ended."""
    used_s = _cpu_s(leader)
    for child in leader.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            used_s += _cpu_s(child)
    return used_s


def memory_mb_of(leader: psutil.Process) -> float:
    """Resident memory of a process and its children."""
    used = 0.0
    for process in (leader, *leader.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile
            used += _memory_mb(process)
    return used


def _memory_mb(process: psutil.Process) -> float:
    memory = process.memory_full_info()
    # Linux alone tells the shares; elsewhere what is a process' own.
    return float(getattr(memory, "pss", memory.uss)) / 1e6


def use_of(leader: psutil.Process) -> Use:
    return Use(leader.pid, cpu_s_of(leader), memory_mb_of(leader))


def own_use() -> Use:
    """Of this process alone, without the children that it measures."""
    process = psutil.Process()
    return Use(process.pid, time.process_time(), _memory_mb(process))


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Processes by what they are called. Asked for anew each time, as one may have been started again."""

    processes: Mapping[str, Callable[[], psutil.Process]]

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu_s_of(process()) for name, process in self.processes.items()}

    def uses(self) -> dict[str, Use]:
        """Of those that are there: one that is just being started again is left out."""
        found = {}
        for name, process in self.processes.items():
            with suppress(psutil.NoSuchProcess, FraudError):
                found[name] = use_of(process())
        return found
