"""The environment of a tool: built from its lock, beside nothing else."""

import os
import subprocess
import sys
from pathlib import Path

from load.peers.peers import Tool
from models.errors import Unavailable

LOCKS = Path(__file__).parent / "locks"
INDEX = "UV_DEFAULT_INDEX"
BUILD_S = 300.0
ASK_S = 30.0


def build(tool: Tool, folder: Path) -> Path:
    """Install what the tool's lock says; the environment's Python.

    Raises:
        Unavailable: the packages are neither in the installer's cache nor to be had.
    """
    uv = str(Path(sys.executable).with_name("uv"))
    place = folder / tool
    environment = {**os.environ, **_index(), "VIRTUAL_ENV": str(place)}
    _run([uv, "--quiet", "venv", "--clear", "--python", sys.executable, str(place)], environment)
    lock = str(LOCKS / f"{tool}.lock")
    _run([uv, "--quiet", "pip", "sync", "--require-hashes", "--compile-bytecode", lock], environment)
    return place / "bin" / "python"


def _index() -> dict[str, str]:
    """pip's own index setting, when there is one, is followed by the installer too."""
    if INDEX in os.environ:
        return {}
    pip = str(Path(sys.executable).with_name("pip"))
    asked = subprocess.run(
        [pip, "config", "get", "global.index-url"], capture_output=True, text=True, timeout=ASK_S, check=False
    )
    return {INDEX: asked.stdout.strip()} if asked.stdout.strip() else {}


def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=BUILD_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable("a peer's environment cannot be built", why=str(error)) from error
    if done.returncode:
        # An index may bear a password in its address, which the installer quotes.
        raise Unavailable(
            "a peer's environment cannot be built",
            why=f"the installer ended with {done.returncode}",
            next_step="look whether the package index can be reached, and run it again",
        )
