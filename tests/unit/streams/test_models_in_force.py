"""Which models decide: those behind the aliases; the last good ones while the registry is away or wrong."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.ab_test import ABTestRouter
from models.errors import ModelRejected, RegistryUnavailable
from models.history import Retention
from models.manifest import ModelFolder
from models.scorer import Model, Scorer
from streams.codecs import TransactionCodec
from streams.models_in_force import all_registered, fetch_apart, load_scorer, load_variant, version_of
from streams.settings import Settings
from streams.sweep import TransactionSweeps
from tests.builders import NOW, ONE_VARIANT, POLICY, Worker, continued, transaction
from tests.unit.models.trained import rows
from tests.unit.streams.played_registry import CHAMPION, Registry, ended


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(home=tmp_path, mlflow_tracking_uri="http://mlflow:5000/")


@pytest.fixture
def folder(settings: Settings) -> ModelFolder:
    return ModelFolder(settings.home / "models")


@pytest.fixture
def registry(folder: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    found = Registry(folder, tmp_path)
    monkeypatch.setattr(httpx, "get", found.get)
    monkeypatch.setattr(subprocess, "run", found.run)
    return found


def test_the_registry_is_asked_for_the_version_behind_an_alias(
    settings: Settings, registry: Registry
) -> None:
    assert version_of(settings, "FraudDetection_XGBoost", "champion") == "3"
    assert registry.asked == [
        (
            "http://mlflow:5000/api/2.0/mlflow/registered-models/alias",
            {"name": "FraudDetection_XGBoost", "alias": "champion"},
        )
    ]


def test_an_alias_without_a_version_says_what_to_do(settings: Settings, registry: Registry) -> None:
    registry.versions = {}
    with pytest.raises(RegistryUnavailable, match=r"no version of M is champion\..*fraudml train"):
        version_of(settings, "M", "champion")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(503, text="starting"),
        httpx.Response(401),
        httpx.Response(200, text="<html>log in</html>"),
        httpx.Response(200, json={}),
    ],
    ids=["an error", "not ready", "no access", "a page of somebody else's", "nothing"],
)
def test_a_registry_that_answers_something_else_is_unavailable(
    settings: Settings, registry: Registry, answer: httpx.Response
) -> None:
    registry.answer = lambda: answer
    with pytest.raises(RegistryUnavailable):
        version_of(settings, "M", "champion")


def test_a_registry_that_does_not_answer_is_unavailable(settings: Settings, registry: Registry) -> None:
    registry.is_away()
    with pytest.raises(RegistryUnavailable, match=r"does not answer\. connection refused"):
        version_of(settings, "M", "champion")


def test_models_are_all_registered_when_every_variant_has_a_version(
    settings: Settings, registry: Registry
) -> None:
    assert all_registered(settings)
    del registry.versions["FraudDetection_LightGBM", "challenger"]
    assert not all_registered(settings)
    registry.is_away()
    assert not all_registered(settings)


def test_a_version_that_is_not_here_is_fetched_once_and_remembered(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    models = [load_variant(settings, folder, CHAMPION) for _ in range(2)]
    assert [(model.name, model.version) for model in models] == [("FraudDetection_XGBoost", "3")] * 2
    assert registry.fetched == [
        ["-m", "models.mlflow_registry", "FraudDetection_XGBoost", "champion", str(folder.root)]
    ]
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "3"


def test_a_promoted_version_takes_over_when_models_are_loaded_again(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    load_variant(settings, folder, CHAMPION)
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    assert load_variant(settings, folder, CHAMPION).version == "4"
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "4"


def test_the_last_good_model_decides_while_the_registry_is_away(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    before = load_variant(settings, folder, CHAMPION)
    registry.is_away()
    model = load_variant(settings, folder, CHAMPION)
    assert model.version == before.version
    features = rows().features[:20]
    assert np.array_equal(model.predict(features), before.predict(features))


def test_the_last_good_model_decides_when_a_new_one_cannot_be_fetched_for_now(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    load_variant(settings, folder, CHAMPION)
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    registry.outcome = lambda command: ended(1, stderr="registry_unavailable\tMLflow failed\n")
    assert load_variant(settings, folder, CHAMPION).version == "3"


def test_the_last_good_model_decides_when_a_new_one_does_not_prove_itself(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    """Else one damaged promotion keeps every worker from starting."""
    load_variant(settings, folder, CHAMPION)
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    registry.outcome = lambda command: ended(1, stderr="model_rejected\tits SHA-256 differs\n")
    assert load_variant(settings, folder, CHAMPION).version == "3"
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "3"


def test_without_any_model_a_registry_that_is_away_is_waited_for(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    registry.is_away()
    with pytest.raises(RegistryUnavailable):
        load_variant(settings, folder, CHAMPION)


def test_a_model_that_was_changed_on_disk_is_not_loaded(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    load_variant(settings, folder, CHAMPION)
    file = folder.folder("FraudDetection_XGBoost", "3") / "model.ubj"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelRejected, match="SHA-256 differs"):
        load_variant(settings, folder, CHAMPION)


def test_each_variant_of_the_split_has_its_model(settings: Settings, registry: Registry) -> None:
    scorer = load_scorer(settings)
    assert [(v.name, m.name) for v, m in zip(scorer.variants, scorer.models, strict=True)] == [
        ("champion", "FraudDetection_XGBoost"),
        ("challenger", "FraudDetection_LightGBM"),
    ]
    scored = scorer.score([f"c-{n}" for n in range(200)], rows().features[:200])
    assert set(scored.variant.tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("outcome", "error", "words"),
    [
        (ended(1, stderr="x\nregistry_unavailable\tMLflow failed\n"), RegistryUnavailable, "MLflow failed"),
        (
            ended(1, stderr="model_rejected\tthe golden rows differ\n"),
            ModelRejected,
            "the golden rows differ",
        ),
        (ended(-11), ModelRejected, "ended with -11"),
    ],
    ids=["no registry", "no proof", "killed by the file"],
)
def test_the_process_that_reads_a_model_may_fail_without_us(
    settings: Settings,
    registry: Registry,
    folder: ModelFolder,
    outcome: Any,
    error: type[Exception],
    words: str,
) -> None:
    registry.outcome = lambda command: outcome
    with pytest.raises(error, match=words):
        fetch_apart(settings, folder, "M", "champion")


def test_a_fetch_that_takes_too_long_is_given_up(
    settings: Settings, registry: Registry, folder: ModelFolder
) -> None:
    def hang(command: list[str]) -> Any:
        raise subprocess.TimeoutExpired(command, 30)

    registry.outcome = hang
    with pytest.raises(RegistryUnavailable, match=r"took too long\. M, alias champion"):
        fetch_apart(settings, folder, "M", "champion")


def test_a_change_of_models_falls_between_two_sweeps() -> None:
    """The new scorer comes into force while a sweep is being scored: that sweep ends with the old one."""
    worker = Worker()
    in_force: list[str] = ["1"]

    def predict(features: Any) -> Any:
        in_force[0] = "2"
        return np.full(len(features), 0.1)

    sweeps = TransactionSweeps(
        codec=TransactionCodec("EUR", 300_000),
        ledger=worker.ledger,
        keeper=worker.keeper,
        outbox=worker.outbox,
        gate=worker.gate,
        scorer=lambda: Scorer(ABTestRouter(ONE_VARIANT), [Model("M", in_force[0], predict)]),
        policy=POLICY,
        retention=Retention(),
        now=lambda: NOW,
        metrics=worker.metrics,
    )
    for names in (["a", "b"], ["c"]):
        sweeps.handle(continued(worker.ledger, "transactions", [transaction(name) for name in names]))
    versions = {name: row.decided.model_version for name, row in worker.ledger.rows.items()}
    assert versions == {"a": "1", "b": "1", "c": "2"}
