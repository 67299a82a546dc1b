"""The folder that one stack owns: where everything lies, and how it is written."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deploy.stack.account import Account
from deploy.stack.errors import StackError
from deploy.stack.state import State, read_state, write_state
from streams.settings import STACK_ENV

GIBIBYTE = 1 << 30
NEEDED_BYTES = 2 * GIBIBYTE
FOLDERS = ("data", "conf", "logs", "run", "secrets", "tmp")
# Made by workers: a version of a model means nothing once its registry is gone.
MADE_BY_WORKERS = ("models", "faust")


@dataclass(frozen=True)
class Home:
    root: Path
    account: Account

    @property
    def stack_env(self) -> Path:
        return self.root / STACK_ENV

    def data(self, part: str) -> Path:
        return self.root / "data" / part

    def conf(self, name: str) -> Path:
        return self.root / "conf" / name

    def log(self, part: str) -> Path:
        return self.root / "logs" / f"{part}.log"

    def starts(self, part: str) -> Path:
        """The pids of a part's starts, one a line."""
        return self.root / "run" / f"{part}.starts"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def owner(self) -> int:
        """Whose processes those of the stack are."""
        return self.root.stat().st_uid

    def prepare(self) -> None:
        """Make the folders, for the account's eyes only.

        Raises:
            StackError: it is somebody else's folder, or the disk is nearly full at the first start.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.root / "data").exists():
                enough_room(self.root)
            for name in FOLDERS:
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
            self.account.own_tree(self.root)
        except OSError as error:
            raise self._unusable(error) from None

    def read_state(self) -> State:
        return read_state(self.root / "state.json")

    def write_state(self, state: State) -> None:
        self.write(self.root / "state.json", write_state(state))

    def write(self, path: Path, text: str) -> None:
        """Put a file in place whole, readable by the account only."""
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(handle, "w") as file:
            file.write(text)
        self.account.own(Path(name))
        os.replace(name, path)

    @contextlib.contextmanager
    def append_to_log(self, part: str) -> Iterator[BinaryIO]:
        """A part's log. Never through a link: as root we would follow one that the account has planted."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        with open(os.open(self.log(part), flags, 0o600), "ab") as log:
            self.account.own(self.log(part))
            yield log

    def secret(self, name: str) -> str:
        """A password, made on first use and kept in a file of its own."""
        path = self.root / "secrets" / name
        if not path.exists():
            self.write(path, secrets.token_hex(24))
        return path.read_text()

    def secret_file(self, name: str) -> Path:
        self.secret(name)
        return self.root / "secrets" / name

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against another up or down.

        Raises:
            StackError: another one is at work.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        with open(handle, "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(
                    f"another fraudml up or down is at work on {self.root}",
                    next_step="wait for it, then try again",
                ) from None
            yield

    def remove_data(self) -> None:
        """Remove all that the stack has made here, and the folder if nothing else is in it."""
        for name in (*FOLDERS, *MADE_BY_WORKERS):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for name in (STACK_ENV, "state.json", "lock"):
            (self.root / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.root.rmdir()

    def _unusable(self, error: OSError) -> StackError:
        return StackError(
            f"{self.root} cannot be used",
            why=str(error),
            next_step="set FRAUDML_HOME to a folder of your own",
        )


def enough_room(folder: Path, needed_bytes: int = NEEDED_BYTES) -> int:
    """The free bytes.

    Raises:
        StackError: they are fewer than the stack needs.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise StackError(
            f"{free / GIBIBYTE:.1f} GiB are free in {folder}, the stack needs {needed_bytes / GIBIBYTE:.0f}",
            next_step="make room, or set FRAUDML_HOME to a folder on another disk",
        )
    return free
