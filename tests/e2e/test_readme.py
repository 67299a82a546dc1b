"""The README's examples, taken from the README and run in its order, on the stack that the demo left."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack.waiting import until
from streams.settings import CHECKOUT
from tests.e2e.command_line import PROGRAM, CommandLine

pytestmark = pytest.mark.stack

TEXT = (CHECKOUT / "README.md").read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(python|sh)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = {block.splitlines()[0].removeprefix("# "): block for kind, block in BLOCKS if kind == "python"}
SHELL = [block for kind, block in BLOCKS if kind == "sh"]
needs_kcat = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")


class Reader:
    """Somebody who types what the README says, in a shell that knows the stack's addresses."""

    def __init__(self, fraudml: CommandLine, folder: Path) -> None:
        self.fraudml = fraudml
        self.folder = folder

    def type(self, block: str) -> str:
        """Run a shell block, after the one that reads the addresses; what it printed."""
        return self._run(["sh", "-euc", self._here(shell_block("set -a") + block)])

    def python(self, name: str) -> str:
        (self.folder / "example.py").write_text(self._here(PYTHON[name]))
        return self._run(["sh", "-euc", shell_block("set -a") + f"{sys.executable} example.py"])

    def _here(self, text: str) -> str:
        """The stack of these tests takes a free port for its gateway."""
        (gateway,) = [part for part in self.fraudml.stack.status() if part.part == "gateway"]
        return text.replace("http://127.0.0.1:8000", gateway.address)

    def decided(self, transaction_id: str) -> bool:
        return self.fraudml.run("decisions", "get", transaction_id).returncode == 0

    def _run(self, command: list[str]) -> str:
        environment = self.fraudml.environment
        environment["PATH"] = f"{PROGRAM.parent}:{environment['PATH']}"
        done = subprocess.run(
            command,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return str(done.stdout)


@pytest.fixture(scope="module")
def reader(fraudml: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(fraudml, tmp_path_factory.mktemp("reader"))


def shell_block(holding: str) -> str:
    (found,) = [block for block in SHELL if holding in block]
    return found


def test_what_is_produced_in_python_is_decided_and_found(reader: Reader) -> None:
    reader.python("produce")
    until(lambda: reader.decided("readme-1"), within_s=20, every_s=0.2)
    assert "('decline', " in reader.python("ask") or "('review', " in reader.python("ask")


def test_a_subscriber_in_python_gets_its_alert(reader: Reader) -> None:
    assert reader.python("subscribe").count(" readme-1 ") == 1


def test_asking_by_the_command_line_answers_with_a_decision(reader: Reader) -> None:
    answers = reader.type(shell_block("fraudml decisions get"))
    assert '"transaction_id": "readme-1"' in answers
    assert '"transaction_id": "readme-3"' in answers


def test_asking_over_http_answers_with_a_decision(reader: Reader) -> None:
    answers = reader.type(shell_block("curl -sS"))
    assert answers.count('"transaction_id":"readme-4"') == 2
    assert reader.python("http").startswith("readme-5 ")


@needs_kcat
def test_what_is_produced_with_kcat_is_decided(reader: Reader) -> None:
    reader.type(shell_block("kcat -P"))
    until(lambda: reader.decided("readme-2"), within_s=20, every_s=0.2)


@needs_kcat
def test_kcat_reads_the_alerts(reader: Reader) -> None:
    assert reader.type(shell_block("kcat -C")).count('"transaction_id":"readme-1"') == 1


@pytest.mark.slow
def test_the_commands_on_files_work_as_shown(reader: Reader) -> None:
    reader.type(shell_block("fraudml generate"))
    assert (reader.folder / "features.parquet").exists()
    assert (reader.folder / "decisions.parquet").exists()
