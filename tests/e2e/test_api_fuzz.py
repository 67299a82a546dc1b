"""Whatever a client sends, the gateway answers as its OpenAPI document says, and never with 500."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.scopes import SCOPES
from streams.settings import CHECKOUT
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.e2e.gateways import known_key, running_gateway

pytestmark = [pytest.mark.stack, pytest.mark.slow]

# What a schema cannot say is refused with 422: card numbers, the currency, times that lie ahead.
# With a key no wrong one is tried: those would close the door to their address.
CONFIG = """
seed = 7
hooks = "tests.e2e.fuzzing"
{headers}
[generation]
max-examples = 15
deterministic = true
database = "none"
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "409", "422", "429"]
ignored_auth.enabled = {without_key}
# It would find its own key in the list and revoke it: tests/e2e/test_administration.py revokes one.
[[operations]]
include-path-regex = "/revoke$"
enabled = {without_key}
"""
WITH_KEY = 'headers = { X-API-Key = "${FUZZED_WITH}" }'


@pytest.fixture(scope="module")
def own_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a gateway and a key for it, on a stack of their own: whoever may do everything changes
    what decides."""
    folder = tmp_path_factory.mktemp("fuzzed")
    line = CommandLine(folder / "home")
    try:
        line.ok("demo", "--no-gateway", within_s=400)
        with running_gateway(line, folder / "log") as address:
            yield address, known_key(line, address, *SCOPES)
    finally:
        line.ok("down", "--data")


@pytest.mark.parametrize("with_key", [True, False], ids=["with a key", "without a key"])
def test_the_whole_document_holds(own_gateway: tuple[str, str], tmp_path: Path, with_key: bool) -> None:
    address, key = own_gateway
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        CONFIG.format(headers=WITH_KEY if with_key else "", without_key=str(not with_key).lower())
    )
    fuzz = str(PROGRAM.parent / "schemathesis")
    document = str(CHECKOUT / "api" / "openapi.json")
    done = subprocess.run(
        [fuzz, "--config-file", str(config), "run", "--no-color", document, "--url", address],
        cwd=tmp_path,
        env=os.environ | {"FUZZED_WITH": key, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Failures:" not in done.stdout
    assert not with_key or closed_in(done.stdout) <= {"POST /v1/sessions"}, done.stdout[-4000:]


def closed_in(report: str) -> set[str]:
    """Operations that never let the key in. Who signs in has a password, and nobody guesses one."""
    lists = re.findall(r"(?:401|403) \w+ \(\d+ operations?\):\n((?:\s*- .+\n)+)", report)
    return {line.strip().removeprefix("- ") for found in lists for line in found.splitlines() if line.strip()}
