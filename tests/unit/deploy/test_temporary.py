"""A stack for a drill or a test is told nothing by the machine it runs on."""

from pathlib import Path

import pytest

from deploy.stack.temporary import own_settings
from deploy.stack.workers import passed_on
from streams import settings as settings_module
from streams.settings import Settings


def test_neither_environment_nor_dot_env_change_what_a_temporary_stack_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path)
    (tmp_path / ".env").write_text("FRAUDML_WHILE_REBUILDING=decide\nREDIS_URL=redis://mine:6379/0\n")
    monkeypatch.setenv("FRAUDML_CURRENCY", "USD")
    found = own_settings(tmp_path, partitions=3)
    assert (found.currency, found.while_rebuilding, found.partitions) == ("EUR", "wait", 3)
    assert found.redis_url == Settings.model_fields["redis_url"].default


def test_its_workers_are_told_every_setting(tmp_path: Path) -> None:
    told = passed_on(own_settings(tmp_path))
    assert told["FRAUDML_CURRENCY"] == "EUR"
    assert told["FRAUDML_WHILE_REBUILDING"] == "wait"
    assert told["FRAUDML_POISON_SHARE"] == "0.01"


def test_where_kafkas_jars_come_from_is_the_machines_own_affair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUDML_JARS_CACHE", str(tmp_path / "jars"))
    assert own_settings(tmp_path).jars_cache == tmp_path / "jars"
