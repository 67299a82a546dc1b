"""Goals of a load test are held or broken, never held by silence; keys lie in a file of their owner's."""

from pathlib import Path

import pytest

from load.goals import Goals, Measured, read_keys
from models.errors import BadFile, BadSetting

FINE = Measured(decisions=10, p99_ms=40.0, fail_ratio=0.01)


@pytest.mark.parametrize(
    "goals", [Goals(), Goals(40.0, 0.01), Goals(max_p99_ms=40.0), Goals(max_fail_ratio=0.5)]
)
def test_what_is_within_its_goals_has_broken_none(goals: Goals) -> None:
    assert goals.broken(FINE) == []


def test_each_broken_goal_has_a_line_with_both_figures() -> None:
    assert Goals(39.0, 0.001).broken(FINE) == [
        "p99 is 40 ms, more than 39 ms",
        "1.00% of requests failed, more than 0.10%",
    ]


def test_where_nothing_was_decided_a_goal_is_broken() -> None:
    nothing = Measured(decisions=0, p99_ms=0.0, fail_ratio=0.0)
    assert Goals(max_p99_ms=50.0).broken(nothing) == ["nothing was decided"]
    assert Goals().broken(nothing) == []


def test_keys_are_the_lines_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.touch(mode=0o600)
    file.write_text("one\n\ntwo\n")
    assert read_keys(file) == ["one", "two"]


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("one")
    file.chmod(0o644)
    with pytest.raises(BadSetting, match="others may read"):
        read_keys(file)


def test_keys_that_are_not_there_are_told_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no keys can be read from"):
        read_keys(tmp_path / "keys")
    (tmp_path / "empty").touch(mode=0o600)
    with pytest.raises(BadSetting, match="is empty"):
        read_keys(tmp_path / "empty")
