"""What a tool writes. One that did not do its work is not believed."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

WITHIN_S = 120


class Unsure(Exception):
    """A tool did not do its work: what it says, or does not say, is nothing to go by."""


def output_of(command: Sequence[str], root: Path) -> str:
    """
    Raises:
        Unsure: it is not there, did not end, or failed.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unsure(f"{name}: {error}") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.returncode}"]
        raise Unsure(f"{name}: {last[0]}")
    return done.stdout
