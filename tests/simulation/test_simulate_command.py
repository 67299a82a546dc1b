"""`fraudml simulate`: what it prints, and how it ends."""

import json

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app

CHECK_FAILED = 4


@pytest.fixture
def fraudml() -> CliRunner:
    return CliRunner()


def test_clean_seeds_are_counted_and_nothing_else(fraudml: CliRunner) -> None:
    result = fraudml.invoke(app, ["simulate", "--seeds", "2", "--json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"seeds": 2, "violations": 0, "first_failing_seed": None}


def test_a_missing_guard_is_found_and_named(fraudml: CliRunner) -> None:
    result = fraudml.invoke(app, ["simulate", "--seeds", "20", "--without", "first_write_wins", "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == CHECK_FAILED
    assert found["without"] == "first_write_wins"
    assert found["violations"] > 0


def test_a_broken_promise_says_how_to_see_it_again(fraudml: CliRunner) -> None:
    result = fraudml.invoke(app, ["simulate", "--seeds", "20", "--without", "first_write_wins"])
    seed = int(result.stderr.split("seed ")[1].split()[0])
    assert "The first write wins" in result.stderr
    assert f"fraudml simulate --seeds 1 --first-seed {seed} --without first_write_wins" in result.stderr


def test_a_single_seed_prints_its_timeline(fraudml: CliRunner) -> None:
    result = fraudml.invoke(app, ["simulate", "--seeds", "1", "--first-seed", "3"])
    assert "generation 1" in result.stderr
    assert "weather" in result.stderr


def test_a_guard_that_does_not_exist_is_refused(fraudml: CliRunner) -> None:
    result = fraudml.invoke(app, ["simulate", "--without", "luck"])
    assert result.exit_code == 2
    assert "no guard luck" in result.stderr
