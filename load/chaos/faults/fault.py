"""What a fault is: a generator that does its harm, yields for how many seconds, and makes good."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

import psutil

from load.chaos.arena import Arena, kill
from load.chaos.proxy import PASS, Behaviour

Harm = Generator[float, None, None]
Act = Callable[[Arena, Random], Harm]

STOPPED_S = 15.0
SHORT_S = 5.0
LONGEST_S = 60
STARVED_SHARE, STARVED_ROUNDS = 0.9, 10


@dataclass(frozen=True)
class Fault:
    """rows: of the fault catalogue in docs/chaos.md."""

    name: str
    rows: tuple[int, ...]
    act: Act


def awaited(arena: Arena, happened: Callable[[], bool], complaint: str) -> Harm:
    """Looks every second, and complains of what has not happened within a minute.

    Workers look every two seconds or so; those that are being replaced have to come back first.
    """
    for _ in range(LONGEST_S):
        yield 1.0
        if happened():
            return
    arena.complaints.append(complaint)


def killed(arena: Arena, part: str) -> Harm:
    kill(arena.servers, part, arena.wait)
    yield 1.0


def starved(*processes: psutil.Process) -> Harm:
    """They get a tenth of their time, as on a host that is overrun."""
    for _ in range(STARVED_ROUNDS):
        with suspended(*processes):
            yield STARVED_SHARE
        yield 1 - STARVED_SHARE


def stopped(*processes: psutil.Process) -> Harm:
    with suspended(*processes):
        yield STOPPED_S


@contextmanager
def suspended(*processes: psutil.Process) -> Iterator[None]:
    """They hold still; whoever has died meanwhile needs no waking."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def behaving(arena: Arena, part: str, behaviour: Behaviour) -> Harm:
    proxy = arena.proxies[part]
    proxy.behave(behaviour)
    try:
        yield 2 * SHORT_S
    finally:
        proxy.behave(PASS)
        # What has been swallowed stays lost: such a connection is of no more use.
        proxy.cut_all()
