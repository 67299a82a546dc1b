"""One demo for all tests that look at a running system; those that break it make stacks of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine


@pytest.fixture(scope="session")
def fraudml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a stack where `fraudml demo` has run; its output is `demo_output`."""
    line = CommandLine(tmp_path_factory.mktemp("e2e") / "home")
    try:
        line.demo_output = line.ok("demo", within_s=170).stdout
        yield line
    finally:
        line.ok("down", "--data")


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    """The folder of real tables; tests that need them are skipped where there is none."""
    folder = Path(os.environ.get("FRAUDML_EVAL_DATA", "../shared/data")).resolve()
    if not (folder / "handbook.parquet").exists():
        pytest.skip(f"no evaluation tables in {folder}: set FRAUDML_EVAL_DATA")
    return folder
