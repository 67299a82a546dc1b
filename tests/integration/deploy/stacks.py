"""Stacks for tests, and what is left of them."""

import os
from pathlib import Path

import psutil

from deploy.stack.stack import Stack
from deploy.stack.temporary import own_settings
from deploy.stack.waiting import until


def no_schema(settings: object) -> None:
    """The stack's own tests need no ledger."""


def small_stack(folder: Path) -> Stack:
    return Stack(folder / "home", settings=own_settings(folder / "home"), migrate=no_schema)


def pid_of(stack: Stack, part: str) -> int | None:
    return next(status.pid for status in stack.status() if status.part == part)


def ports_of(stack: Stack) -> set[int]:
    return {int(part.address.rpartition(":")[2]) for part in stack.status()}


def kill_supervisor(stack: Stack) -> None:
    parents = {psutil.Process(part.pid).parent() for part in stack.status()}
    (supervisor,) = [parent for parent in parents if parent]
    supervisor.kill()
    until(lambda: not supervisor.is_running() or supervisor.status() == psutil.STATUS_ZOMBIE, within_s=10)


def processes_of(home: Path) -> list[psutil.Process]:
    """Whatever still runs for a stack, however it was started."""
    mark = f"FRAUDML_HOME={home}".encode()
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and mark in environment_of(process.pid)
    ]


def environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
