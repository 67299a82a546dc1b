"""A worker as a child process of a benchmark: started, stopped, and its CPU time counted."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from models.errors import Unavailable

STOP_S = 30.0


@dataclass
class WorkerProcess:
    """One worker. environment: the addresses of the stack, and whatever else the worker should be told.

    module: what is run, a worker by its arguments.
    """

    environment: Mapping[str, str]
    log: Path
    slot: int = 0
    module: str = "deploy.cli.main"
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = [sys.executable, "-m", self.module, "worker", "--slot", str(self.slot)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **self.environment}, stdout=log, stderr=subprocess.STDOUT
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
            Unavailable: the worker has ended.
        """
        if self._process is None or self._process.poll() is not None:
            end = self.log.read_text(errors="replace").strip().splitlines()[-3:]
            raise Unavailable("the worker has ended", why=" / ".join(end))

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def process(self) -> psutil.Process:
        """
        Raises:
            Unavailable: the worker has ended.
        """
        self.check()
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def cpu_s(self) -> float:
        """CPU seconds used so far, by the operating system's accounting."""
        times = self.process().cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        return float(self.process().memory_info().rss) / 1e6
