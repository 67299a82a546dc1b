"""What is noted of a schedule while it is played."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from load.simulation.log import Topic
from load.simulation.turns import Task
from models.errors import FraudError, Halt

# The double of the outbox says so only when it was told that Kafka stays silent.
ALWAYS_EXPLAINED = {"outcome_unknown"}

Program = TypeVar("Program")


@dataclass
class Process(Generic[Program]):
    """What runs, or hangs: a worker or a gateway. asleep_until: the step at which it goes on."""

    worker: Program
    task: Task
    asleep_until: int = 0


@dataclass
class Ending:
    """What became of a process that stopped by itself."""

    name: str
    failure: BaseException


@dataclass
class Lost:
    """How far an incarnation of a topic had been committed when it was deleted."""

    topic: Topic
    committed: dict[int, int]


@dataclass
class Notebook:
    """The timeline, and what may legitimately stop a worker."""

    lines: list[tuple[int, str, str]] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    may_halt: dict[str, set[str]] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)

    def unexplained(self) -> list[Ending]:
        """Processes that stopped for no reason that the plan gave them."""
        return [
            ending
            for ending in self.endings
            if not (isinstance(ending.failure, Halt) and self._explained(ending.name, ending.failure))
        ]

    def _explained(self, name: str, failure: FraudError) -> bool:
        slot = name.partition(".")[0]
        allowed = [self.may_halt.get(whose, set()) for whose in (name, slot, "*")]
        return failure.code in ALWAYS_EXPLAINED.union(*allowed)
