"""How the stack goes down: through the supervisor where one answers, else by the recorded pids."""

import signal
from contextlib import suppress
from typing import NamedTuple

import msgspec
import psutil

from deploy.stack import processes
from deploy.stack.errors import NotRunning, PartFailed
from deploy.stack.home import Home
from deploy.stack.parts import in_start_order, kind_of
from deploy.stack.report import Report
from deploy.stack.supervisor import Supervisor, remove_socket_folder
from deploy.stack.waiting import TimedOut

# The supervisor kills what does not stop in time; then it still has to notice.
GRACE_S = 10.0
SHUT_DOWN_WITHIN_S = 90.0


class Recorded(NamedTuple):
    """A part as start.sh has recorded it, and what still lives of it."""

    name: str
    processes: list[psutil.Process]


def stop_part(calls: Supervisor, name: str) -> None:
    """Stop one part in good order.

    Raises:
        PartFailed: it goes on, though the supervisor has killed it.
    """
    try:
        calls.stop(name, within_s=kind_of(name).stop_within_s + GRACE_S)
    except TimedOut:
        raise PartFailed(f"{name} does not stop", next_step="fraudml down") from None


def stop_everything(home: Home, report: Report) -> bool:
    """Stop all parts, the last started first, then the supervisor. False if nothing ran.

    What does not stop when asked is killed, and what a dead supervisor has left is ended too.
    """
    state = home.read_state()
    calls = Supervisor(state.socket_folder)
    daemon = processes.daemon_process(state.supervisor, home.owner) or _answering(calls, home)
    everybody = processes.family(daemon) if daemon else []
    if everybody:
        _ask(calls, report)
    # One that could not be asked stops its programs itself when told to end; told first, it restarts none.
    processes.end(everybody, SHUT_DOWN_WITHIN_S)
    left = recorded(home)
    for part in reversed(left):
        report.waiting(f"stopping {part.name}")
        kind = kind_of(part.name)
        processes.end(part.processes, kind.stop_within_s, signal.Signals[f"SIG{kind.stop_signal}"])
    _forget(home)
    remove_socket_folder(state.socket_folder)
    return bool(everybody or left)


def recorded(home: Home) -> list[Recorded]:
    """The parts of which something lives, in the order of their start, whether or not a supervisor does."""
    names = [path.stem for path in (home.root / "run").glob("*.starts")]
    found = [Recorded(name, _living(home, name)) for name in in_start_order(names)]
    return [part for part in found if part.processes]


def _ask(calls: Supervisor, report: Report) -> None:
    try:
        active = [name for name, process in calls.processes().items() if process.active]
        for name in reversed(in_start_order(active)):
            report.waiting(f"stopping {name}")
            with suppress(PartFailed):  # ended by its pid later
                stop_part(calls, name)
        calls.shut_down()
    except NotRunning:
        return


def _answering(calls: Supervisor, home: Home) -> psutil.Process | None:
    """A supervisor whose start was cut short before its pid was written down."""
    try:
        return processes.alive(calls.pid(), home.owner)
    except NotRunning:
        return None


def _living(home: Home, name: str) -> list[psutil.Process]:
    starts = processes.read_starts(home.starts(name))
    if starts is None:
        return []
    leader = processes.started_process(starts, home.owner)
    return processes.family(leader) if leader else processes.orphans(starts, ("FRAUDML_HOME", str(home.root)))


def _forget(home: Home) -> None:
    home.stack_env.unlink(missing_ok=True)
    for path in (home.root / "run").glob("*.starts"):
        path.unlink()
    state = home.read_state()
    if state != msgspec.structs.replace(state, socket_folder="", supervisor=None):
        home.write_state(msgspec.structs.replace(state, socket_folder="", supervisor=None))
