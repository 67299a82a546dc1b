"""What a drill acts on: a stack of its own, its workers, the proxies before its stores, and a way to send."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from load.chaos.callers import Question
from load.chaos.crew import Crew
from load.chaos.front_door import FrontDoor
from load.chaos.proxy import FaultProxy
from load.columns import Transactions
from load.producer import Pusher
from models.errors import FraudError
from streams.settings import Settings

# A shuffled replay with copies, through a producer's buffer: that far it may be behind what it counts.
UNCERTAIN = 2500


class Servers(Protocol):
    """The stores' processes: the embedded stack, or a fake one."""

    def pid(self, part: str) -> int: ...

    def wait_ready(self, *parts: str, within_s: float | None = None) -> None: ...

    def halted(self, part: str) -> AbstractContextManager[Path]: ...


@dataclass(frozen=True)
class Versions:
    """Of one registered model: two that will do, the first of them in force, and damaged ones."""

    name: str
    alias: str
    good: tuple[str, str]
    damaged: tuple[str, ...]


def kill(servers: Servers, part: str, wait: Callable[[float], None]) -> None:
    """SIGKILL, and wait until its supervisor has started it again and it serves."""
    pid = servers.pid(part)
    psutil.Process(pid).kill()
    while _pid(servers, part) in (None, pid):
        wait(0.1)
    servers.wait_ready(part)


def _pid(servers: Servers, part: str) -> int | None:
    try:
        return servers.pid(part)
    except FraudError:
        return None  # not yet


@dataclass
class Arena:
    """wait: sleeps so many seconds. sent: how many records the replay has produced, copies included.

    door: the gateways. asked: what their callers ask, in this order.
    pusher: the drill's own producer, for records besides the replayed ones. complaints: what went otherwise
    than it must, seen while a fault was on.
    """

    servers: Servers
    settings: Settings
    crew: Crew
    door: FrontDoor
    proxies: Mapping[str, FaultProxy]
    pusher: Pusher
    table: Transactions
    asked: Sequence[Question]
    versions: Versions
    sent: Callable[[], int]
    wait: Callable[[float], None]
    complaints: list[str] = field(default_factory=list)

    def known(self) -> Transactions:
        """Transactions that are in their topic for sure; waits for the first of them."""
        while self.sent() < 2 * UNCERTAIN:
            self.wait(0.5)
        return self.table[: int(self.sent() * 0.98) - UNCERTAIN]

    def store(self, part: str) -> psutil.Process:
        return psutil.Process(self.servers.pid(part))
