"""For every secret setting X, X_FILE names a file that holds it; the secret itself is never told."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from models.errors import BadSetting
from streams import settings as settings_module
from streams.files_of_secrets import newest, newest_secret
from streams.settings import Settings, read_settings, secret_fields, variable_of

SECRET = "sixteen letters and more"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in [name for name in os.environ if name.endswith("_FILE") or name.startswith("FRAUDML_")]:
        monkeypatch.delenv(variable)
    for field in secret_fields():
        monkeypatch.delenv(variable_of(field), raising=False)
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path)
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "held"
    path.write_text(f"{SECRET}\n")
    return path


def plain(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_every_secret_and_every_address_with_a_password_may_be_in_a_file() -> None:
    hidden = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    assert {*hidden, "database_url", "redis_url", "database_url_worker", "redis_url_worker"} <= set(
        secret_fields()
    )
    assert "kafka_sasl_password" in hidden


@pytest.mark.parametrize("field", secret_fields())
def test_a_secret_is_what_its_file_holds(field: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{variable_of(field)}_FILE", str(file))
    assert plain(getattr(read_settings(), field)) == SECRET


@pytest.mark.parametrize("field", secret_fields())
def test_a_new_connection_asks_the_file_again(
    field: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{variable_of(field)}_FILE", str(file))
    value = getattr(read_settings(), field)
    file.write_text("another one, of the same kind")
    again = newest_secret(value) if isinstance(value, SecretStr) else newest(value)
    assert again == "another one, of the same kind"


def test_what_was_given_as_such_stays_as_it_is() -> None:
    assert newest("redis://here") == "redis://here"
    assert newest_secret(SecretStr(SECRET)) == SECRET


def test_a_file_outranks_what_the_stack_has_written(
    alone: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "stack.env").write_text("DATABASE_URL=postgresql://stack\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    assert read_settings().database_url == SECRET


def test_a_secret_and_a_file_of_it_are_one_too_many(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.setenv("API_KEY_FILE", str(file))
    with pytest.raises(BadSetting, match=r"API_KEY and API_KEY_FILE are both set.*unset one"):
        read_settings()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b"", "it is empty"), (b"\xff\xfe", "it is not text")]
)
def test_a_file_that_holds_no_secret_is_named(
    content: bytes | None, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "held"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("DATABASE_URL_FILE", str(path))
    with pytest.raises(BadSetting, match=f"the secret in .*held cannot be used.*{why}"):
        read_settings()


def test_a_secret_of_a_file_is_no_shorter_than_any_other(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("short")
    monkeypatch.setenv("FRAUDML_KEY_PEPPER_FILE", str(file))
    with pytest.raises(BadSetting, match="a secret has at least 16 characters") as refused:
        read_settings()
    assert "FRAUDML_KEY_PEPPER" in str(refused.value)


def test_a_secret_of_a_file_is_not_shown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY_FILE", str(file))
    settings = read_settings()
    assert all(SECRET not in shown for shown in (str(settings), repr(settings), settings.model_dump_json()))
