"""What a benchmark printed, in a file of its own beside the command that gave it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import BadFile


@dataclass(frozen=True, slots=True)
class Kept:
    command: str
    found: Mapping[str, Any]

    @property
    def machine(self) -> Mapping[str, Any]:
        machine: Mapping[str, Any] = self.found["machine"]
        return machine


def keep(folder: Path, name: str, kept: Kept) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"command": kept.command, "found": kept.found}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n")


def kept_in(folder: Path) -> dict[str, Kept]:
    """By the name of the benchmark.

    Raises:
        BadFile: a file there is none of ours.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.json"))}


def _read(path: Path) -> Kept:
    try:
        document = json.loads(path.read_text())
        kept = Kept(document["command"], document["found"])
        kept.machine["versions"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadFile(
            f"{path} is not what a benchmark has found",
            why=f"{type(error).__name__}: {error}",
            next_step="remove it, or measure again with fraudml bench all",
        ) from None
    return kept
