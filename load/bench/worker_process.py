"""Workers and gateways as child processes: started, stopped, and their CPU time counted."""

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from load.bench.accounts import cpu_s_of
from models.errors import Unavailable

STOP_S = 30.0
LOCALHOST = "127.0.0.1"


@dataclass
class ChildProcess(ABC):
    """environment: the addresses of the stack, and whatever else it should be told. module: what is run, by
    which Python, in which folder."""

    environment: Mapping[str, str]
    log: Path
    module: str = "deploy.cli.main"
    _process: "subprocess.Popen[bytes] | None" = None
    python: str = sys.executable
    folder: Path | None = None

    @abstractmethod
    def arguments(self) -> tuple[str, ...]: ...

    @property
    def title(self) -> str:
        return self.arguments()[0]

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.python, "-m", self.module, *self.arguments()],
                env={**os.environ, **self.environment},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(STOP_S)
        finally:
            self.kill()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def check(self) -> None:
        """
        Raises:
            Unavailable: it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise Unavailable(f"the {self.title} has ended", why=self.last_words())

    def last_words(self) -> str:
        return " / ".join(self.log.read_text(errors="replace").strip().splitlines()[-3:])

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def process(self) -> psutil.Process:
        """
        Raises:
            Unavailable: it has ended.
        """
        self.check()
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def cpu_s(self) -> float:
        """CPU seconds used so far, with its own children."""
        return cpu_s_of(self.process())

    def rss_mb(self) -> float:
        return float(self.process().memory_info().rss) / 1e6


@dataclass
class WorkerProcess(ChildProcess):
    slot: int = 0

    def arguments(self) -> tuple[str, ...]:
        return ("worker", "--slot", str(self.slot))


@dataclass
class GatewayProcess(ChildProcess):
    port: int = 0
    processes: int = 1

    def arguments(self) -> tuple[str, ...]:
        where = ("--host", LOCALHOST, "--port", str(self.port))
        return ("gateway", *where, "--processes", str(self.processes))

    @property
    def address(self) -> str:
        return f"http://{LOCALHOST}:{self.port}"


@dataclass
class MonitorProcess(ChildProcess):
    port: int = 0

    def arguments(self) -> tuple[str, ...]:
        return ("monitor", "--host", LOCALHOST, "--port", str(self.port))

    @property
    def address(self) -> str:
        return f"http://{LOCALHOST}:{self.port}"
