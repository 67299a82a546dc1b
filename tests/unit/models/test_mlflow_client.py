"""Where MLflow is must be said; what else may answer there, or nobody, ends in one sentence."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from models.errors import BadSetting, RegistryUnavailable
from models.mlflow_client import CLIENT_LIMITS, quiet_mlflow
from models.mlflow_registry import log_model_to_mlflow, promote_model_to_stage
from models.promotions import versions_of
from tests.unit.models.trained import booster, rows

pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")

Say = Callable[[str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Say:
    """Where MLflow is. It is tried once."""
    monkeypatch.chdir(tmp_path)
    for name, value in (CLIENT_LIMITS | {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}).items():
        monkeypatch.setenv(name, value)
    return lambda address: monkeypatch.setenv("MLFLOW_TRACKING_URI", address)


def refuse(connection: Any) -> None:
    raise NewConnectionError(connection, "Connection refused")


def answer_with(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """A server that gives the same answer to everything."""

    def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        answer = requests.Response()
        answer.status_code, answer._content, answer.url = 200, body, str(request.url)
        return answer

    monkeypatch.setattr(HTTPAdapter, "send", send)


def test_without_an_address_nothing_is_registered_and_no_store_is_made(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(BadSetting, match=r"nobody said where MLflow is.*Next: .*stack\.env"):
        log_model_to_mlflow(booster("xgboost"), "XGBoost", rows().features, rows().fraud)
    with pytest.raises(BadSetting, match="nobody said where MLflow is"):
        promote_model_to_stage("FraudDetection_XGBoost", "Production")
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_was_told_to_mlflow_itself_is_enough(
    say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import mlflow

    say("")  # to be put back: MLflow sets the variable as well
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    try:
        with quiet_mlflow() as module:
            assert module.get_tracking_uri().endswith("own.db")
    finally:
        mlflow.set_tracking_uri(None)


@pytest.mark.parametrize(
    "address", ["http://[bad", "http://127.0.0.1:abc", "http://127.0.0.1:99999", "http://"]
)
def test_what_is_no_address_is_said_to_be_none(say: Say, address: str) -> None:
    say(address)
    with pytest.raises(BadSetting, match=r"MLFLOW_TRACKING_URI is no address.*Next: set it to one such as"):
        promote_model_to_stage("FraudDetection_XGBoost", "Production")


def test_where_nobody_answers_the_address_is_told_without_its_password_and_nothing_is_logged(
    say: Say, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    say("http://me:secret@127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setattr(HTTPConnection, "_new_conn", refuse)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.NOTSET)
    with pytest.raises(RegistryUnavailable) as caught:
        promote_model_to_stage("FraudDetection_XGBoost", "Production")
    assert str(caught.value) == "MLflow does not answer at http://127.0.0.1:1. Next: fraudml status"
    assert caplog.records == []


def test_a_server_that_only_fails_is_told_from_one_that_is_away(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*_: Any, **__: Any) -> None:
        raise requests.exceptions.RetryError("too many 500 error responses")

    say("http://127.0.0.1:1")
    monkeypatch.setattr(HTTPAdapter, "send", send)
    with pytest.raises(RegistryUnavailable, match=r"MLflow answers with errors at http://127\.0\.0\.1:1"):
        versions_of("FraudDetection_XGBoost")


def test_json_that_is_not_mlflows_is_said_to_be_from_somebody_else(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    say("http://me:secret@127.0.0.1:1")
    answer_with(monkeypatch, b'{"model_versions": [{"name": 5}]}')
    what = r"^what answers at http://127\.0\.0\.1:1 is not MLflow.*Next: check MLFLOW_TRACKING_URI"
    with pytest.raises(RegistryUnavailable, match=what):
        versions_of("FraudDetection_XGBoost")


def test_text_that_is_no_json_is_a_failure_of_mlflow(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    say("http://127.0.0.1:1")
    answer_with(monkeypatch, b"<html>")
    with pytest.raises(RegistryUnavailable, match=r"MLflow failed.*Next: fraudml status"):
        versions_of("FraudDetection_XGBoost")
