"""The parts' logs: their ends, and what is written to them from now on."""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from deploy.stack.waiting import SYSTEM_CLOCK, Clock
from models.errors import NotFound

PAUSE_S = 0.3
READ_BYTES = 1 << 20


class LogFile(NamedTuple):
    path: Path
    prefix: str


def log_files(home: Path, part: str | None) -> list[LogFile]:
    """The log of one part, or every log, each line then told apart by its part's name.

    Raises:
        NotFound: there is none.
    """
    found = sorted((home / "logs").glob("*.log"))
    if part is not None:
        chosen = [path for path in found if path.stem == part]
        if not chosen:
            known = ", ".join(path.stem for path in found) or "none yet"
            raise NotFound(
                f"there is no log of {part}", why=f"logs are there of: {known}", next_step="fraudml up"
            )
        return [LogFile(chosen[0], "")]
    if not found:
        raise NotFound(f"there are no logs in {home}", next_step="fraudml up")
    width = max(len(path.stem) for path in found)
    return [LogFile(path, f"{path.stem:<{width}} | ") for path in found]


def last_lines(files: list[LogFile], count: int) -> Iterator[str]:
    for file in files:
        with open(file.path, errors="replace") as text:
            for line in deque(text, count):
                yield file.prefix + line.rstrip("\n")


def follow(files: list[LogFile], clock: Clock = SYSTEM_CLOCK) -> Iterator[str]:
    """Lines as they are written, until interrupted. A log that is rotated is opened anew."""
    places = {file: file.path.stat().st_size for file in files}
    while True:
        quiet = True
        for file, place in places.items():
            written, places[file] = _since(file.path, place)
            for line in written:
                quiet = False
                yield file.prefix + line
        if quiet:
            clock.sleep(PAUSE_S)


def _since(path: Path, place: int) -> tuple[list[str], int]:
    """The whole lines after a place, and the place after them. A smaller file is a new one: logs rotate."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size < place:
                place = 0
            file.seek(place)
            whole = file.read(READ_BYTES).rpartition(b"\n")[0]
    except FileNotFoundError:
        return [], 0
    if not whole:
        return [], place
    return whole.decode(errors="replace").split("\n"), place + len(whole) + 1
