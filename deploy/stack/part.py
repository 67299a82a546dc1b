"""What every part of the stack is: something to prepare, a program to run, a way to see that it is ready."""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from deploy.stack.errors import PartFailed
from deploy.stack.home import Home
from deploy.stack.ports import LOCALHOST
from deploy.stack.report import Report
from streams.settings import Settings

PREPARE_WITHIN_S = 120
# What a program may inherit: where things are and how numbers are computed, never addresses or secrets.
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
INHERITED_PREFIXES = ("OPENBLAS_", "OMP_", "MKL_")


@dataclass(frozen=True)
class Program:
    """A process for the supervisor."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Site:
    """Where a stack is built: its folder, its ports, its settings."""

    home: Home
    ports: Mapping[str, int]
    settings: Settings
    report: Report

    def address(self, name: str) -> str:
        return f"{LOCALHOST}:{self.ports[name]}"

    def environment(self) -> dict[str, str]:
        """What every process of the stack starts from."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in INHERITED or name.startswith(INHERITED_PREFIXES)
        }
        own = {"HOME": str(self.home.tmp), "TMPDIR": str(self.home.tmp), "FRAUDML_HOME": str(self.home.root)}
        return {"LANG": "C.UTF-8", **kept, **own}

    def run(self, argv: Iterable[str], *, part: str, environment: Mapping[str, str] | None = None) -> None:
        """Run a short command as the account of the stack, its words in the part's log."""
        command = self.home.account.command(argv)
        with self.home.append_to_log(part) as log:
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.home.root,
                    env={**self.environment(), **(environment or {})},
                    timeout=PREPARE_WITHIN_S,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise PartFailed(f"{part} could not be prepared", why=str(error)) from None
        if done.returncode != 0:
            raise PartFailed(
                f"{part} could not be prepared",
                why=log_end(self.home, part),
                next_step=f"fraudml logs {part}",
            )


class Part(ABC):
    """One part. `name` is what users call it, and its program's name."""

    kind: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    more_ports: ClassVar[tuple[str, ...]] = ()
    """Names of ports besides the one that bears the part's own name."""
    ready_within_s: ClassVar[float] = 60.0
    stop_signal: ClassVar[str] = "TERM"
    stop_within_s: ClassVar[int] = 20
    steady_after_s: ClassVar[int] = 1
    """A process that ends sooner than this is started again after a growing pause, not at once."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def name(self) -> str:
        return self.kind

    @abstractmethod
    def prepare(self) -> None:
        """Make data folder and configuration; nothing is left half-made when this is interrupted."""

    @abstractmethod
    def program(self) -> Program: ...

    @abstractmethod
    def probe(self) -> bool:
        """True once it serves.

        Raises:
            Unavailable: not yet, and why.
        """

    def settle(self) -> None:
        """Once ready, what must exist inside: databases, topics. Done on every up."""
        return

    @abstractmethod
    def address(self) -> str:
        """Where it is, as `status` shows it: never a password."""

    def stack_env(self) -> dict[str, str]:
        """The settings by which other commands find it."""
        return {}


def log_end(home: Home, part: str, lines: int = 3) -> str:
    """The last words of a part, for an error message."""
    try:
        written = home.log(part).read_text(errors="replace").splitlines()
    except OSError:
        return "it has no log"
    told = [line.strip() for line in written if line.strip()][-lines:]
    return "its log ends: " + " | ".join(told) if told else "its log is empty"


PYTHON = sys.executable
