"""Compose, as the proof of the images calls it: a project, ports and passwords of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.settings import CHECKOUT

PROJECT = "fraudml-verify"
# By what name compose is called here; the plugin of Docker unless COMPOSE says otherwise.
COMPOSE = tuple(os.environ.get("COMPOSE", "docker compose").split())
# Published as in the file, but on ports that are free here.
PORTS = {"kafka": 9094, "redis": 6379, "postgres": 5432, "mlflow": 5000, "api": 8000, "dashboard": 8050}
PORTS |= {"prometheus": 9090, "grafana": 3000}


class Failed(Exception):
    """What was to be proven is not so."""


@dataclass(frozen=True)
class Compose:
    """folder: for its passwords and overrides; more: a file of the caller's own beside them, if any."""

    folder: Path
    more: str = ""

    def prepare(self) -> None:
        passwords = subprocess.run([CHECKOUT / "deploy" / "new-passwords"], check=True, capture_output=True)
        self.env_file.write_bytes(passwords.stdout)
        self.env_file.chmod(0o600)
        lines = ["services:"]
        for name, port in PORTS.items():
            lines += [f"  {name}:", f'    ports: !override ["127.0.0.1::{port}"]']
        self.override.write_text("\n".join(lines) + "\n")
        self.own.write_text(self.more or "services: {}\n")

    @property
    def env_file(self) -> Path:
        return self.folder / "env"

    @property
    def override(self) -> Path:
        return self.folder / "override.yml"

    @property
    def own(self) -> Path:
        return self.folder / "own.yml"

    def secret(self, name: str) -> str:
        found = dict(line.split("=", 1) for line in self.env_file.read_text().splitlines())
        return found[name]

    def __call__(self, *words: str, within_s: float = 600) -> str:
        """What it prints on standard output.

        Raises:
            Failed: it ends with another code than 0; tells the end of what it said.
        """
        files = ("-f", str(CHECKOUT / "docker-compose.yml"), "-f", str(self.override), "-f", str(self.own))
        command = (*COMPOSE, "-p", PROJECT, "--env-file", str(self.env_file), *files, *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=within_s)
        if done.returncode:
            raise Failed(f"compose {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout

    def once(self, script: str, within_s: float = 600) -> str:
        """What a shell in a container of its own prints; it is told what a worker is told."""
        words = ("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "worker", "-c", script)
        return self(*words, within_s=within_s)

    def address(self, service: str) -> str:
        port = PORTS[service.removesuffix("-next")]
        return "http://" + self("port", service, str(port)).strip()

    def health(self) -> dict[str, str]:
        """By service; what has ended is `exited N`."""
        lines = self("ps", "--all", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines if line]
        return {each["Service"]: each["Health"] or f"{each['State']} {each['ExitCode']}" for each in found}


def docker(*words: str) -> str:
    return subprocess.run(("docker", *words), check=True, capture_output=True, text=True).stdout.strip()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def fail(words: Sequence[str]) -> int:
    print("\n".join(words), file=sys.stderr)  # noqa: T201
    return 1
