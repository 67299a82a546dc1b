"""What is noted of a schedule while it is played."""

from dataclasses import dataclass, field

from load.simulation.log import Topic
from load.simulation.turns import Task
from load.simulation.worker import SimulatedWorker


@dataclass
class Process:
    """A worker that runs, or hangs. asleep_until: the step at which it goes on."""

    worker: SimulatedWorker
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
