"""`fraudml` as a user calls it: a process of its own, on a home folder of its own."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.stack.stack import Stack
from deploy.stack.temporary import own_settings
from streams.settings import CHECKOUT

PROGRAM = Path(sys.executable).with_name("fraudml")
# What a developer has set must not lead a test to servers that are not its own.
OURS = (
    "FRAUDML_",
    "KAFKA_BOOTSTRAP_SERVERS",
    "DATABASE_URL",
    "REDIS_URL",
    "MLFLOW_TRACKING_URI",
    "LOG_LEVEL",
    "API_KEY",
)

Done = subprocess.CompletedProcess[str]


@dataclass
class CommandLine:
    home: Path
    demo_output: str = ""

    def run(self, *arguments: str, stdin: str = "", within_s: float = 120) -> Done:
        """
        Raises:
            AssertionError: it has not ended in time; where it stood, and what it said.
        """
        command = [str(PROGRAM), *arguments]
        with subprocess.Popen(
            command,
            env=self.environment | {"PYTHONFAULTHANDLER": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=CHECKOUT,
        ) as process:
            try:
                stdout, stderr = process.communicate(stdin, within_s)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)
                _, stderr = process.communicate()
                raise AssertionError(f"{arguments}: more than {within_s:g} s\n{stderr[-12000:]}") from None
            except BaseException:
                process.kill()
                raise
        return Done(command, process.returncode, stdout, stderr)

    def ok(self, *arguments: str, stdin: str = "", within_s: float = 120) -> Done:
        done = self.run(*arguments, stdin=stdin, within_s=within_s)
        assert done.returncode == 0, (
            f"{arguments}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
        return done

    def json(self, *arguments: str, within_s: float = 120) -> Any:
        return json.loads(self.ok(*arguments, within_s=within_s).stdout)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        caches = {
            name: os.environ[name]
            for name in ("FRAUDML_JARS_CACHE", "FRAUDML_JARS_REPOSITORY")
            if name in os.environ
        }
        return kept | caches | {"FRAUDML_HOME": str(self.home)}

    @property
    def stack(self) -> Stack:
        return Stack(self.home, settings=own_settings(self.home))
