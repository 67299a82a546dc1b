from pathlib import Path

import pytest

from deploy import origins as origins_module
from deploy.cli.own_stores import left_to_us
from deploy.origins import origins, shown_settings
from deploy.stack.account import ourselves
from deploy.stack.home import Home
from deploy.stack.parts import SERVICES
from deploy.stack.state import State
from streams import settings as settings_module


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout and a home of their own, and no variable of the machine's."""
    for variable in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "REDIS_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path)
    return tmp_path


def test_each_setting_tells_where_it_comes_from(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "stack.env").write_text("REDIS_URL=redis://:secret@127.0.0.1:1/0\nDATABASE_URL=postgresql://x\n")
    (files / ".env").write_text("DATABASE_URL=postgresql://y\nFRAUDML_PARTITIONS=4\n")
    monkeypatch.setenv("FRAUDML_PARTITIONS", "5")
    found = origins()
    assert found["redis_url"] == "stack"
    assert found["database_url"] == ".env"
    assert found["partitions"] == "environment"
    assert found["group_id"] == "default"


def test_a_setting_is_known_by_its_prefixed_name_too(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("fraudml_redis_url", "redis://x")
    assert origins()["redis_url"] == "environment"


def test_an_empty_variable_sets_nothing(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert origins()["redis_url"] == "default"


def test_passwords_are_never_shown(files: Path) -> None:
    (files / "stack.env").write_text("REDIS_URL=redis://:secret@127.0.0.1:1/0\n")
    shown = {setting.variable: setting.value for setting in shown_settings()}
    assert shown["REDIS_URL"] == "redis://:****@127.0.0.1:1/0"
    assert "secret" not in repr(shown)


def notes_and_services(**found: origins_module.Origin) -> tuple[list[str], list[str]]:
    everything = {**dict.fromkeys(("kafka_bootstrap_servers", "redis_url"), "default"), **found}
    everything.setdefault("database_url", "default")
    everything.setdefault("mlflow_tracking_uri", "default")
    notes: list[str] = []
    return left_to_us(SERVICES, everything, notes.append), notes  # type: ignore[arg-type]


def test_all_services_are_ours_when_no_address_was_set() -> None:
    assert notes_and_services(redis_url="stack") == (list(SERVICES), [])


def test_a_store_whose_address_the_user_has_set_is_left_to_the_user() -> None:
    ours, notes = notes_and_services(kafka_bootstrap_servers=".env")
    assert "kafka" not in ours
    assert notes == ["kafka is not started: its address is set in .env"]


def test_mlflow_does_not_run_on_a_database_of_the_users() -> None:
    ours, _ = notes_and_services(database_url="environment")
    assert ours == ["kafka", "valkey"]


def test_the_stacks_own_address_in_the_environment_is_the_stacks(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `set -a; . .fraudml/stack.env`, with the stack up or down."""
    Home(files, ourselves()).write_state(State(ports={"kafka": 4001, "valkey": 4002}))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:4001")
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:4999/0")
    found = origins()
    assert (found["kafka_bootstrap_servers"], found["redis_url"]) == ("stack", "environment")
