"""The command line on a real stack."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from deploy.stack.state import read_state
from deploy.stack.waiting import until
from tests.integration.deploy.stacks import processes_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

FRAUDML = (sys.executable, "-m", "deploy.cli.main")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    fraudml(home, "down", "--data")
    assert processes_of(home) == []


def fraudml(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "FRAUDML_HOME": str(home)}
    return subprocess.run([*FRAUDML, *words], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_stack_from_up_to_down(home: Path) -> None:
    up = fraudml(home, "up", "--workers", "0", "--only", "valkey")
    assert up.returncode == 0, up.stderr
    assert "valkey is ready at 127.0.0.1:" in up.stderr
    again = fraudml(home, "up", "--workers", "0", "--only", "valkey")
    assert again.returncode == 0
    assert "the stack is up already; nothing to start" in again.stderr
    (part,) = json.loads(fraudml(home, "status", "--json").stdout)
    assert part["part"] == "valkey"
    assert "Ready to accept connections" in fraudml(home, "logs", "valkey").stdout
    shown = json.loads(fraudml(home, "config", "--json").stdout)
    (address,) = [setting for setting in shown if setting["variable"] == "REDIS_URL"]
    assert (address["origin"], address["value"]) == ("stack", f"redis://operator:****@{part['address']}/0")
    assert fraudml(home, "down").returncode == 0
    assert fraudml(home, "status").returncode == 3


@pytest.mark.slow
def test_the_doctor_finds_what_is_missing(home: Path) -> None:
    fraudml(home, "up", "--workers", "0", "--only", "valkey")
    result = fraudml(home, "doctor", "--json")
    assert result.returncode == 4, result.stderr
    levels = {finding["check"]: finding["level"] for finding in json.loads(result.stdout)}
    assert levels["redis"] == levels["redis eviction"] == levels["java"] == levels["packages"] == "OK"
    assert levels["kafka"] == levels["postgres"] == "FAIL"


def test_interrupting_up_stops_what_was_started(home: Path) -> None:
    command = [*FRAUDML, "up", "--workers", "0", "--only", "kafka"]
    environment = {**os.environ, "FRAUDML_HOME": str(home)}
    # Whoever runs the tests in the background has interrupts ignored, and children inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as up:
        until(lambda: read_state(home / "state.json").supervisor, within_s=60)
        up.send_signal(signal.SIGINT)
        _, words = up.communicate(timeout=60)
    assert up.returncode == 130, words
    assert "stopping what was started" in words
    assert processes_of(home) == []
    assert not [process for process in psutil.process_iter() if process.ppid() == up.pid]
