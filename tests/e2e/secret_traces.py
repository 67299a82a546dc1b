"""Where a secret must not be found: arguments and environments of processes, files, what commands print."""

from collections.abc import Collection, Iterable
from pathlib import Path

ALL_PROCESSES = Path("/proc")


class Trace:
    """Looks for these values; what it answers names places, and no value."""

    def __init__(self, values: Collection[str]) -> None:
        assert all(len(value) >= 12 for value in values), "a short value would be found anywhere"
        self._values = [value.encode() for value in values]

    def in_arguments(self) -> list[str]:
        """Of every process of this machine."""
        numbers = [each.name for each in ALL_PROCESSES.iterdir() if each.name.isdigit()]
        return [number for number in numbers if self._found(_read(ALL_PROCESSES / number / "cmdline"))]

    def in_environments(self, processes: Iterable[int]) -> list[int]:
        return [each for each in processes if self._found(_read(ALL_PROCESSES / str(each) / "environ"))]

    def in_files(self, files: Iterable[Path]) -> list[str]:
        return [str(file) for file in files if self._found(_read(file))]

    def in_text(self, text: str) -> list[str]:
        """Its lines."""
        lines = text.splitlines()
        return [f"line {number}" for number, line in enumerate(lines, 1) if self._found(line.encode())]

    def _found(self, content: bytes) -> bool:
        return any(value in content for value in self._values)


def _read(file: Path) -> bytes:
    """Nothing, where a process has ended meanwhile."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
