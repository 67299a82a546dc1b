"""Whatever dies, nothing is lost and nothing doubled, on real Kafka, Valkey and Postgres."""

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SEED = "11"


def test_a_drill_of_fourteen_faults_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    line = CommandLine(tmp_path / "home")
    done = line.run("chaos", "--transactions", "20000", "--seed", SEED, "--json", within_s=900)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-8000:]}"
    verdict = json.loads(done.stdout)
    assert [verdict[name] for name in ("lost", "doubled", "features_differ", "findings")] == [0, 0, 0, 0]
    assert verdict["transactions"] == 20_000
    assert verdict["alerts"] > 0
    assert verdict["reconciles"] > 0
    assert verdict["faults"] >= 12
    assert verdict["kinds"] >= 8
