"""The published feature values of the handbook's table, computed offline."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.published import assert_as_published


@pytest.mark.slow
def test_offline_features_are_as_published(
    evaluation_data: Path, published: tuple[Any, Any], same_second: set[str], tmp_path: Path
) -> None:
    line, out = CommandLine(tmp_path / "home"), tmp_path / "features.parquet"
    line.ok("features", str(evaluation_data / "handbook.parquet"), "--map", "handbook", "--out", str(out))
    assert_as_published(out, published, same_second, rows=737_289)
