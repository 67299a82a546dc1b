"""Processes by their recorded pids: what is still ours, and how it ends when no supervisor can be asked."""

import contextlib
import os
import signal
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from deploy.stack.state import Daemon

# Start times are told to the hundredth of a second and move a little when the clock is set.
SAME_S = 2.0


class Starts(NamedTuple):
    """What start.sh has noted of a part."""

    pids: tuple[int, ...]
    noted_at: float
    """When the last one was."""


def read_starts(path: Path) -> Starts | None:
    try:
        pids = path.read_text().split()
        noted_at = path.stat().st_mtime
    except FileNotFoundError:
        return None
    return Starts(tuple(map(int, pids)), noted_at) if pids else None


def count_starts(path: Path) -> int:
    starts = read_starts(path)
    return len(starts.pids) if starts else 0


def daemon_process(daemon: Daemon | None, uid: int) -> psutil.Process | None:
    """The supervisor's process, unless it has ended or its pid is somebody else's by now."""
    if daemon is None:
        return None
    process = alive(daemon.pid, uid)
    return process if process and abs(process.create_time() - daemon.created) <= SAME_S else None


def started_process(starts: Starts, uid: int) -> psutil.Process | None:
    """A part's process. A pid given anew belongs to a process that began after ours had been noted."""
    process = alive(starts.pids[-1], uid)
    return process if process and process.create_time() <= starts.noted_at + SAME_S else None


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def orphans(starts: Starts, mark: tuple[str, str]) -> list[psutil.Process]:
    """Children whose parent has died: still in its group, and with our mark in their environment."""
    return [process for process in psutil.process_iter() if _is_orphan(process, starts.pids, mark)]


def _is_orphan(process: psutil.Process, groups: Container[int], mark: tuple[str, str]) -> bool:
    try:
        return os.getpgid(process.pid) in groups and mark in process.environ().items()
    except (OSError, psutil.Error):
        return False


def end(processes: Sequence[psutil.Process], within_s: float, stop: int = signal.SIGTERM) -> None:
    """Ask the first one to stop, wait for all, and kill what is left. psutil refuses a pid given anew."""
    if not processes:
        return
    _send(processes[:1], stop)
    _, left = psutil.wait_procs(processes, timeout=within_s)
    _send(left, signal.SIGKILL)
    psutil.wait_procs(left, timeout=10)


def _send(processes: Iterable[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def alive(pid: int, uid: int) -> psutil.Process | None:
    """A running process of this user: whoever owns the home may write any pid there, for root to end."""
    try:
        process = psutil.Process(pid)
        ours = process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if ours else None
