"""One demo for all tests that look at a running system; those that break it make stacks of their own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from models.scopes import SCOPES
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import made_key, running_gateway
from tests.e2e.published import published, same_second

__all__ = ["published", "same_second"]

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def fraudml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line on a stack where `fraudml demo` has run; its output is `demo_output`."""
    line = CommandLine(tmp_path_factory.mktemp("e2e") / "home")
    try:
        line.demo_output = line.ok("demo", within_s=400).stdout
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


@pytest.fixture(scope="session")
def gateway_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "log"


@pytest.fixture(scope="session")
def all_scopes(fraudml: CommandLine) -> str:
    """A key that opens everything."""
    return made_key(fraudml, *SCOPES)


@pytest.fixture(scope="session")
def gateway(fraudml: CommandLine, all_scopes: str, gateway_log: Path) -> Iterator[str]:
    """The address of a gateway with two processes, which read that key as they start."""
    with running_gateway(fraudml, gateway_log) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """One for a module, and no longer: while it is open its driver runs a loop in this thread, and nobody
    else may run one.
    """
    from tests.e2e.browsers import running_chromium

    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def monitor(fraudml: CommandLine) -> str:
    """The address of the stack's own."""
    from tests.e2e.sittings import monitor_of

    return monitor_of(fraudml)


@pytest.fixture(scope="session")
def caller(gateway: str, all_scopes: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway, headers={"X-API-Key": all_scopes}, timeout=10) as client:
        yield client
