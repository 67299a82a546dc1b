"""The Locust file against a running gateway: as the docs say, with goals that hold and goals that do not."""

import json
import subprocess
from pathlib import Path

import pytest

from load.traffic import AGAIN, BATCH, LOOK_UP, NEW, UNKNOWN
from streams.settings import CHECKOUT
from tests.e2e.command_line import PROGRAM, CommandLine, Done
from tests.e2e.gateways import known_key

pytestmark = pytest.mark.stack

LOCUST = PROGRAM.with_name("locust")
# The day of the demo's last transactions: a later one would make those of other tests late.
DAY = "2018-06-21"


@pytest.fixture(scope="module")
def keys(fraudml: CommandLine, gateway: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("locust") / "keys"
    file.touch(mode=0o600)
    scopes = ("score:write", "decisions:read")
    file.write_text("\n".join(known_key(fraudml, gateway, *scopes, limit=100_000) for _ in range(2)))
    return file


def locust(fraudml: CommandLine, gateway: str, keys: Path, *words: str) -> Done:
    where = ("-f", "load/locustfile.py", f"--host={gateway}", "--headless", "--day", DAY)
    how = ("--users=10", "--spawn-rate=10", "--run-time=3s", "--per-user=8", "--customers=200")
    return subprocess.run(
        [str(LOCUST), *where, *how, *words],
        env=fraudml.environment | {"FRAUDML_LOCUST_KEYS": str(keys)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_kind_of_question_is_answered_as_is_right(
    fraudml: CommandLine, gateway: str, keys: Path
) -> None:
    done = locust(fraudml, gateway, keys, "--max-p99-ms=5000", "--max-fail-ratio=0", "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    asked = {each["name"]: each["num_requests"] for each in json.loads(done.stdout)}
    # How many there are in 3 s is the machine's affair; test_traffic.py says which come in which order.
    assert NEW in asked
    assert asked.keys() & {AGAIN, LOOK_UP, BATCH, UNKNOWN}
    assert keys.read_text().split()[0] not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--max-p99-ms=0.01",), "ms, more than 0 ms"),
        # Nobody takes a connection there.
        (("--max-fail-ratio=0.5", "--host=http://127.0.0.1:1"), "100.00% of requests failed, more than"),
    ],
    ids=["too slow", "nobody there"],
)
def test_a_broken_goal_exits_with_4_and_says_which(
    fraudml: CommandLine, gateway: str, keys: Path, words: tuple[str, ...], says: str
) -> None:
    done = locust(fraudml, gateway, keys, *words)
    assert done.returncode == 4, done.stdout[-3000:] + done.stderr[-3000:]
    assert says in done.stderr


def test_without_keys_it_says_in_a_line_what_is_missing(
    fraudml: CommandLine, gateway: str, tmp_path: Path
) -> None:
    done = locust(fraudml, gateway, tmp_path / "none")
    assert done.returncode == 1
    assert f"no keys can be read from {tmp_path / 'none'}" in done.stderr.splitlines()[-1]
