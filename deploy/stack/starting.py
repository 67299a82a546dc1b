"""How the stack goes up: in the order of what needs what, side by side where nothing does."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from deploy.stack import supervisor
from deploy.stack.errors import NotRunning, PartFailed
from deploy.stack.home import Home
from deploy.stack.part import Part, Site, log_end
from deploy.stack.parts import addressed, addresses, build, chosen_ports, port_names
from deploy.stack.plan import plan
from deploy.stack.ports import assign
from deploy.stack.processes import count_starts
from deploy.stack.report import Report
from deploy.stack.stopping import stop_everything, stop_part
from deploy.stack.supervisor import BACKOFF, Supervisor
from deploy.stack.supervisor_conf import render
from deploy.stack.waiting import TimedOut, until
from deploy.stack.workers import STORES, OwnProgram
from models.errors import NotFound
from streams.secret_files import ANSWER_KEY_FILE, PEPPER_FILE
from streams.settings import Settings

Migrate = Callable[[Settings], object]
# One that ends at once is tried again after 1, 2, 3 s: so many starts take six seconds.
STARTS = 4


@dataclass
class Start:
    """One `up`, and what it has started so far, so that it can be undone."""

    home: Home
    settings: Settings
    report: Report
    migrate: Migrate
    launched: bool = False
    started: list[str] = field(default_factory=list)
    _ready: set[str] = field(default_factory=set)
    _began: float = field(default_factory=time.monotonic)

    def run(
        self,
        services: Sequence[str],
        workers: int | None,
        wait_for: Iterable[str] | None,
        companions: Iterable[str] = (),
    ) -> tuple[str, ...]:
        todo = plan(self._running(), services, workers, companions)
        if not todo.kept and not todo.spare:
            return ()
        parts = {part.name: part for part in build(todo.kept, self._site(todo.new))}
        new = [parts[name] for name in todo.new]
        self._supervise(list(parts.values()), todo.new)
        for part in new:
            if not isinstance(part, OwnProgram):
                self._start(part, parts)
        self._open([parts[name] for name in todo.wanted if name in STORES], list(parts.values()))
        for name in reversed(todo.spare):
            self._retire(name)
        for part in new:
            if isinstance(part, OwnProgram):
                self._start(part, parts)
        for name in todo.wanted if wait_for is None else wait_for:
            self._await(_chosen(parts, name))
        return tuple(todo.new)

    def undo(self) -> None:
        """Stop what this call has started, and nothing else."""
        if self.launched:
            self.report.note("stopping what was started")
            stop_everything(self.home, self.report)
            return
        for name in reversed(self.started):
            stop_part(self._calls(), name)

    def _running(self) -> list[str]:
        try:
            return [name for name, process in self._calls().processes().items() if process.active]
        except NotRunning:
            return []

    def _calls(self) -> Supervisor:
        return Supervisor(self.home.read_state().socket_folder)

    def _site(self, new: Sequence[str]) -> Site:
        """Ports for what is to be started, remembered before anything uses them."""
        state = self.home.read_state()
        given, preferred = chosen_ports(new, self.settings)
        ports, moved = assign(port_names(new), state.ports, given=given, preferred=preferred)
        for name in moved:
            self.report.note(f"port {state.ports[name]} has been taken: {name} moves to {ports[name]}")
        self.home.write_state(msgspec.structs.replace(state, ports=ports))
        return Site(self.home, ports, self.settings, self.report)

    def _supervise(self, parts: Sequence[Part], new: Sequence[str]) -> None:
        """Tell the supervisor of the parts; start it first where none runs."""
        state, conf = self.home.read_state(), self.home.conf("supervisor.conf")
        if self._calls().answers():
            self.home.write(conf, render(self.home, state.socket_folder, parts))
            self._calls().reread(new)
            return
        account = self.home.account
        if account.note:
            self.report.note(account.note)
        folder = supervisor.new_socket_folder(account)
        state = msgspec.structs.replace(state, socket_folder=folder)
        self.home.write_state(state)
        self.launched = True
        self.home.write(conf, render(self.home, folder, parts))
        daemon = supervisor.launch(conf, folder, account, parts[0].site.environment() if parts else {})
        self.home.write_state(msgspec.structs.replace(state, supervisor=daemon))

    def _start(self, part: Part, parts: dict[str, Part]) -> None:
        for need in part.needs:
            if need in parts:
                self._await(parts[need])
        self.report.waiting(f"starting {part.name}")
        part.prepare()
        self.home.starts(part.name).unlink(missing_ok=True)
        self.started.append(part.name)
        self._calls().start(part.name)

    def _open(self, stores: Sequence[Part], parts: Sequence[Part]) -> None:
        """Once the stores are ready: the ledger's schema, then the file by which other commands find them."""
        for part in stores:
            self._await(part)
        found = addresses(parts)
        if any(part.name == "postgres" for part in stores):
            self.report.waiting("bringing the ledger's schema up to date")
            self.migrate(addressed(self.settings, found))
            secrets = {PEPPER_FILE: self.settings.key_pepper, ANSWER_KEY_FILE: self.settings.answer_key}
            for file, given in secrets.items():
                if not given.get_secret_value():
                    self.home.secret(file)
        lines = [f"{variable}={value}\n" for variable, value in found.items()]
        self.home.write(self.home.stack_env, "".join(lines))

    def _retire(self, name: str) -> None:
        stop_part(self._calls(), name)
        self._calls().remove(name)
        self.home.starts(name).unlink(missing_ok=True)
        self.report.note(f"{name} stopped")

    def _await(self, part: Part) -> None:
        if part.name in self._ready:
            return
        self.report.waiting(f"waiting for {part.name}")
        await_ready(part, self._calls(), starts=STARTS if part.name in self.started else None)
        part.settle()
        self._ready.add(part.name)
        if part.name in self.started:
            self.report.note(
                f"{part.name} is ready at {part.address()} ({time.monotonic() - self._began:.1f} s)"
            )


def _chosen(parts: dict[str, Part], name: str) -> Part:
    if name not in parts:
        raise NotFound(f"there is no {name} to wait for", next_step=f"wait for one of {', '.join(parts)}")
    return parts[name]


def await_ready(
    part: Part, calls: Supervisor, within_s: float | None = None, starts: int | None = None
) -> None:
    """Wait until a part serves.

    Args:
        starts: after so many that ended at once it is given up, before the time is over.
    Raises:
        PartFailed: it has ended for good, or the time is over.
    """
    within_s = within_s or part.ready_within_s
    try:
        until(lambda: _still_tried(part, calls, starts) and part.probe(), within_s=within_s, every_s=0.1)
    except TimedOut as late:
        raise _failed(part, f"was not ready within {within_s:.0f} s", f"{late}; ") from None


def _still_tried(part: Part, calls: Supervisor, starts: int | None) -> bool:
    process = calls.processes().get(part.name)
    if process is None or not process.active:
        raise _failed(part, "ended")
    if starts and process.state == BACKOFF and count_starts(part.site.home.starts(part.name)) >= starts:
        raise _failed(part, f"ended {starts} times, each time at once")
    return True


def _failed(part: Part, how: str, why: str = "") -> PartFailed:
    end = log_end(part.site.home, part.name)
    return PartFailed(f"{part.name} {how}", why=f"{why}{end}", next_step=f"fraudml logs {part.name}")
