"""The peers, and how each is started."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.errors import BadSetting

Tool = Literal["bytewax", "confluent", "faststream", "faust", "quix"]
PROGRAMS = "load.peers.tools"
# What a program that waits for each step of each transaction does in a few seconds.
PER_EVENT = 4000


@dataclass(frozen=True, slots=True)
class Peer:
    """It is run in a folder of its own: what its tool runs it with, then its program, then arguments. first:
    what is run before."""

    name: str
    tool: Tool
    arguments: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    runner: str | None = None

    @property
    def program(self) -> str:
        return f"{PROGRAMS}.{self.name.replace('-', '_')}"

    @property
    def command(self) -> tuple[str, ...]:
        """What follows Python's -m."""
        return (*([self.runner] if self.runner else []), self.program, *self.arguments)

    @property
    def is_per_event(self) -> bool:
        return self.name.endswith("-event")

    def at_most(self, transactions: int) -> int:
        return min(transactions, PER_EVENT) if self.is_per_event else transactions


# Its worker serves HTTP on a fixed port, whatever the application says.
FAUST = ("worker", "--without-web", "--loglevel=warn")
PEERS = (
    Peer("confluent-event", "confluent"),
    Peer("confluent-batch", "confluent"),
    Peer("faststream-batch", "faststream"),
    Peer(
        "bytewax-batch",
        "bytewax",
        ("-r", ".", "-s", "1", "-b", "0"),
        first=("bytewax.recovery", ".", "1"),
        runner="bytewax.run",
    ),
    Peer("quix-event", "quix"),
    Peer("quix-batch", "quix"),
    Peer("faust-event", "faust", FAUST),
    Peer("faust-take", "faust", FAUST),
)
YARDSTICK = "confluent-batch"


def peers_named(names: Sequence[str]) -> tuple[Peer, ...]:
    """Those of the names; all if there are none.

    Raises:
        BadSetting: there is no such peer.
    """
    known = [peer.name for peer in PEERS]
    if unknown := [name for name in names if name not in known]:
        raise BadSetting(f"there is no peer {unknown[0]}", next_step=f"one or more of {', '.join(known)}")
    return tuple(peer for peer in PEERS if not names or peer.name in names)
