"""A replay gives what the offline computation gives, whatever happens to the worker meanwhile."""

from pathlib import Path

import pytest

from tests.e2e.replays import Killer, differing, features_of, replay, stack_with_models

pytestmark = pytest.mark.stack


@pytest.mark.slow
def test_features_online_equal_those_offline_though_the_worker_is_killed_three_times(tmp_path: Path) -> None:
    table, offline, online = (
        tmp_path / name for name in ("table.parquet", "offline.parquet", "online.parquet")
    )
    with stack_with_models(tmp_path) as line:
        line.ok("generate", "--customers", "600", "--days", "42", "--out", str(table))
        line.ok("features", str(table), "--map", "generated", "--out", str(offline))
        with Killer(line, at=[8_000, 20_000, 34_000]) as killer:
            assert replay(line, str(table), "--map", "generated") > 0
        assert len(killer.killed) == 3
        line.ok("reconcile")
        line.ok("export", "decisions", "--out", str(online))
    ids, expected = features_of(offline)
    found_ids, found = features_of(online)
    assert found_ids.tolist() == ids.tolist()
    assert differing(found, expected).tolist() == []
