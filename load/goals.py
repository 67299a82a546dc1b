"""What a load test must hold, and which of it was broken."""

from dataclasses import dataclass
from pathlib import Path

from models.errors import BadFile
from streams.secret_files import read_file


@dataclass(frozen=True, slots=True)
class Measured:
    """decisions: answers to new questions, whose p99 it is. fail_ratio: of all requests."""

    decisions: int
    p99_ms: float
    fail_ratio: float


@dataclass(frozen=True, slots=True)
class Goals:
    """None: it is not looked at."""

    max_p99_ms: float | None = None
    max_fail_ratio: float | None = None

    def broken(self, measured: Measured) -> list[str]:
        """A line for each that does not hold; where nothing was decided, none does."""
        if self.max_p99_ms is None and self.max_fail_ratio is None:
            return []
        if not measured.decisions:
            return ["nothing was decided"]
        lines = []
        if self.max_p99_ms is not None and measured.p99_ms > self.max_p99_ms:
            lines.append(f"p99 is {measured.p99_ms:,.0f} ms, more than {self.max_p99_ms:,.0f} ms")
        if self.max_fail_ratio is not None and measured.fail_ratio > self.max_fail_ratio:
            lines.append(f"{measured.fail_ratio:.2%} of requests failed, more than {self.max_fail_ratio:.2%}")
        return lines


def read_keys(path: Path) -> list[str]:
    """Keys of a file that its owner alone may read, one a line.

    Raises:
        BadFile: it cannot be read.
        BadSetting: others may read it, or it is empty.
    """
    try:
        return read_file(path).decode("ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(
            f"no keys can be read from {path}", why=str(error), next_step="fraudml keys create"
        ) from None
