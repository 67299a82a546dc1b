"""What runs: a line for each part."""

import time
from dataclasses import dataclass

import psutil

from deploy.stack.errors import NotRunning
from deploy.stack.home import Home
from deploy.stack.part import Part, Site
from deploy.stack.parts import build, in_start_order
from deploy.stack.processes import count_starts
from deploy.stack.report import Report
from deploy.stack.stopping import recorded
from deploy.stack.supervisor import Process, Supervisor
from deploy.stack.workers import PREFIX, OwnProgram
from streams.settings import Settings

RUNNING = "running"
# Its supervisor has died: it serves, and nobody would start it again.
UNSUPERVISED = "unsupervised"


@dataclass(frozen=True)
class PartStatus:
    part: str
    state: str
    """running, starting, backoff (crashed, soon tried again), fatal (given up), stopped, unsupervised."""
    pid: int | None
    address: str
    uptime_s: float
    restarts: int
    metrics_url: str = ""
    ready: bool | None = None
    """Whether it has all that it works with, models too; None where it was not asked."""

    @property
    def runs(self) -> bool:
        return self.pid is not None

    @property
    def is_worker(self) -> bool:
        return self.part.startswith(PREFIX)


def status_of(home: Home, settings: Settings, readiness: bool = False) -> list[PartStatus]:
    """Every part that was started, in the order of start; empty when nothing was.

    readiness: our own programs are asked for it; one that hangs takes two seconds.
    """
    state = home.read_state()
    try:
        seen = Supervisor(state.socket_folder).processes()
    except NotRunning:
        seen = {part.name: _orphan(part.name, part.processes[0]) for part in recorded(home)}
    known = [name for name in in_start_order(seen) if name in state.ports]
    parts = build(known, Site(home, state.ports, settings, Report()))
    return [_status(part, seen[part.name], home, readiness) for part in parts]


def _status(part: Part, process: Process, home: Home, readiness: bool) -> PartStatus:
    own = part if isinstance(part, OwnProgram) else None
    return PartStatus(
        part=part.name,
        state=process.state,
        pid=process.pid or None,
        address=part.address(),
        uptime_s=process.uptime_s,
        restarts=max(0, count_starts(home.starts(part.name)) - 1),
        metrics_url=own.metrics_url() if own else "",
        ready=own.is_ready() if own and readiness and process.pid else None,
    )


def _orphan(name: str, process: psutil.Process) -> Process:
    return Process(name, UNSUPERVISED, process.pid, time.time() - process.create_time())
