"""The embedded stack of one home folder: up, down, and what runs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from deploy.stack.account import UNPRIVILEGED, Account, choose_account, ourselves
from deploy.stack.errors import NotRunning, StackError
from deploy.stack.home import Home
from deploy.stack.jars import cache_folder
from deploy.stack.part import Site
from deploy.stack.parts import SERVICES, addressed, build, kind_of
from deploy.stack.report import Report
from deploy.stack.starting import Migrate, Start, await_ready
from deploy.stack.status import PartStatus, status_of
from deploy.stack.stopping import recorded, stop_everything, stop_part
from deploy.stack.supervisor import Supervisor
from streams.settings import Settings, read_settings


def migrate_to_newest(settings: Settings) -> None:
    from deploy import migrations

    migrations.upgrade(settings)


class Stack:
    """Kafka, Valkey, Postgres, MLflow, workers and what goes with them under one supervisor, in one folder.

    Args:
        home: where data, logs and state lie.
        settings: topics, partitions and what workers are told; read from the environment when not given.
        migrate: brings the ledger's schema up to date once Postgres is ready.
        report: hears what `up` and `down` are doing.
        user: whom the processes run as when we are root.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Settings | None = None,
        migrate: Migrate = migrate_to_newest,
        report: Report | None = None,
        user: str = UNPRIVILEGED,
    ) -> None:
        self.home = home
        self._given = settings or read_settings(home=home)
        self._migrate = migrate
        self._report = report or Report()
        self._user = user
        self._files = Home(home, ourselves())

    def up(
        self,
        parts: Sequence[str] = SERVICES,
        workers: int | None = 1,
        wait_for: Iterable[str] | None = None,
        companions: Iterable[str] = (),
    ) -> tuple[str, ...]:
        """Start what does not run yet, and wait until it is ready.

        Args:
            parts: which services.
            workers: how many; missing ones are started, spare ones stopped. None leaves them as they are.
            wait_for: the parts whose readiness is awaited at the end; all of them when not given. The stores
                are always awaited.
            companions: what runs beside the workers, of COMPANIONS; others that run are stopped.
        Returns:
            The parts that were started: none, if all ran already.
        Raises:
            FraudError: something could not be started. What this call had started has been stopped again.
        """
        account = choose_account(self._user, must_read=(self.home, cache_folder(self._given)))
        home = Home(self.home, account)
        with home.locked():
            self._refuse_anothers(account)
            home.prepare()
            self._end_leftovers(home)
            start = Start(home, self._given, self._report, self._migrate)
            try:
                return start.run(parts, workers, wait_for, companions)
            except BaseException:
                start.undo()
                raise

    def down(self, remove_data: bool = False) -> bool:
        """Stop everything, workers first, and remove the data if told to. False if nothing ran."""
        if not self.home.exists():
            return False
        with self._files.locked():
            ran = stop_everything(self._files, self._report)
            if remove_data:
                self._files.remove_data()
        return ran

    def status(self, readiness: bool = False) -> list[PartStatus]:
        """Every part that was started. readiness: ask our own programs whether they are ready, too."""
        return status_of(self._files, self._given, readiness)

    def env(self) -> dict[str, str]:
        """The environment variables by which other programs find the stack.

        Raises:
            NotRunning: the stores are not up.
        """
        found = {key: value for key, value in dotenv_values(self._files.stack_env).items() if value}
        if not found:
            raise NotRunning("the embedded stack does not run", next_step="fraudml up")
        return found

    @property
    def settings(self) -> Settings:
        """The settings, with the addresses of this stack."""
        return addressed(self._given, self.env())

    def pid(self, part: str) -> int:
        """The process of a part.

        Raises:
            NotRunning: it has none.
        """
        kind_of(part)
        for status in self.status():
            if status.part == part and status.pid is not None:
                return status.pid
        raise NotRunning(f"{part} does not run", next_step="fraudml up")

    def restart(self, part: str) -> None:
        """Stop a part in good order, start it again, and wait until it is ready."""
        with self.halted(part):
            pass

    @contextmanager
    def halted(self, part: str) -> Iterator[Path]:
        """A part that is stopped for a while, and its data folder; it is ready again at the end."""
        calls = self._supervisor()
        stop_part(calls, part)
        try:
            yield self._files.data(part)
        finally:
            calls.start(part)
            self.wait_ready(part)

    def wait_ready(self, *parts: str, within_s: float | None = None) -> None:
        """Wait until these parts serve, as after a crash.

        Raises:
            PartFailed: one has ended for good, or the time is over.
        """
        for part in build(parts, self._site()):
            await_ready(part, self._supervisor(), within_s)

    def _site(self) -> Site:
        return Site(self._files, self._files.read_state().ports, self._given, self._report)

    def _supervisor(self) -> Supervisor:
        return Supervisor(self._files.read_state().socket_folder)

    def _refuse_anothers(self, account: Account) -> None:
        """Its files are about to be given to our account."""
        if self._supervisor().answers() and self._files.owner != account.uid:
            raise StackError(
                f"the stack in {self.home} runs already, as another user (uid {self._files.owner})",
                next_step="fraudml down, or go on as that user",
            )

    def _end_leftovers(self, home: Home) -> None:
        """A killed supervisor leaves its programs running, with nobody to restart or to stop them."""
        if self._supervisor().answers():
            return
        if left := [part.name for part in recorded(home)]:
            self._report.note(f"ending what a killed supervisor has left: {', '.join(left)}")
        stop_everything(home, self._report)
