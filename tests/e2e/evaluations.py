"""`fraudml evaluate` on the handbook's table."""

from pathlib import Path
from typing import Any

from tests.e2e.command_line import CommandLine


def evaluated(line: CommandLine, data: Path, *options: str) -> dict[str, Any]:
    table = (str(data / "handbook.parquet"), "--map", "handbook", "--train-start", "2018-07-25")
    found: dict[str, Any] = line.json("evaluate", *table, *options, "--json", within_s=600)
    return found
