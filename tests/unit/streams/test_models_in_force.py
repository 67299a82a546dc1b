"""Which models decide: those behind the aliases; the last good ones while the registry is away or wrong."""

import fcntl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.ab_test import ABConfig, ABTestRouter, create_default_ab_config
from models.errors import BadSetting, ModelRejected, RegistryUnavailable
from models.model_folder import ModelFolder
from models.policy import DEFAULT_POLICY, flat_policy
from models.scorer import Model, Scorer
from streams.codecs import TransactionCodec
from streams.ledger.rules import Rules
from streams.models_in_force import AWAY_FOR_S, REFUSED_FOR_S, InForce, all_registered
from streams.registry import fetch_apart, registered
from streams.settings import Settings
from streams.sweep import TransactionSweeps
from tests.builders import (
    NOW,
    ONE_VARIANT,
    POLICY,
    Worker,
    continued,
    decider,
    explain_by_amount,
    transaction,
)
from tests.unit.models.trained import rows
from tests.unit.streams.played_registry import CHALLENGER, CHAMPION, Registry, ended

ONLY_CHAMPION = ABConfig("one", "salt", (CHAMPION,))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(home=tmp_path, mlflow_tracking_uri="http://mlflow:5000/")


@pytest.fixture
def folder(settings: Settings) -> ModelFolder:
    return ModelFolder(settings.home / "models")


@pytest.fixture
def registry(folder: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    found = Registry(folder, tmp_path)
    monkeypatch.setattr(httpx.Client, "get", found.get)
    monkeypatch.setattr(subprocess, "run", found.run)
    return found


@dataclass
class Workers:
    """Workers that look up what is in force, one after the other, in one folder."""

    settings: Settings
    rules: Rules = field(default_factory=lambda: Rules(DEFAULT_POLICY, ONLY_CHAMPION))
    now_s: float = 0.0
    refused: list[str] = field(default_factory=list)

    def start(self) -> InForce:
        return InForce(self.settings, lambda: self.rules, self.refused.append, lambda: self.now_s)

    def champion(self) -> Model:
        """The champion of a worker that has just started."""
        scorer = self.start().look()
        assert scorer is not None
        return scorer.models[0]


@pytest.fixture
def workers(settings: Settings) -> Workers:
    return Workers(settings)


@pytest.mark.parametrize("content", [None, b"", b"no key"])
def test_a_key_that_is_none_is_told_at_the_start(workers: Workers, content: bytes | None) -> None:
    file = workers.settings.home / "model.pub"
    if content is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    workers.settings = workers.settings.model_copy(update={"model_public_key": file})
    with pytest.raises(BadSetting, match=r"model\.pub cannot be read as a key"):
        workers.start()


def test_the_registry_is_asked_for_the_version_behind_an_alias(
    settings: Settings, registry: Registry
) -> None:
    assert registered(settings, "FraudDetection_XGBoost", "champion") == ("3", "")
    assert registry.asked == [
        (
            "http://mlflow:5000/api/2.0/mlflow/registered-models/alias",
            {"name": "FraudDetection_XGBoost", "alias": "champion"},
        )
    ]


def test_an_alias_without_a_version_says_what_to_do(settings: Settings, registry: Registry) -> None:
    registry.versions = {}
    with pytest.raises(RegistryUnavailable, match=r"no version of M is champion\..*fraudml train"):
        registered(settings, "M", "champion")


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
        registered(settings, "M", "champion")


def test_a_registry_that_does_not_answer_is_unavailable(settings: Settings, registry: Registry) -> None:
    registry.is_away()
    with pytest.raises(RegistryUnavailable, match=r"does not answer\. connection refused"):
        registered(settings, "M", "champion")


def test_models_are_all_registered_when_every_variant_has_a_version(
    settings: Settings, registry: Registry
) -> None:
    assert all_registered(settings)
    del registry.versions["FraudDetection_LightGBM", "challenger"]
    assert not all_registered(settings)
    registry.is_away()
    assert not all_registered(settings)


def test_a_version_that_is_not_here_is_fetched_once_and_remembered(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    models = [workers.champion() for _ in range(2)]
    assert [(model.name, model.version) for model in models] == [("FraudDetection_XGBoost", "3")] * 2
    assert registry.fetched == [
        ["-m", "models.mlflow_fetch", "FraudDetection_XGBoost", "champion", str(folder.root)]
    ]
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "3"


def test_what_another_worker_fetches_meanwhile_is_not_fetched_again(
    workers: Workers, registry: Registry, folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one waits for its turn, and finds the version when it comes."""

    def take_turns(held: Any, how: int) -> None:
        registry.run(["python", "-m", "models.mlflow_fetch", "FraudDetection_XGBoost", "champion"])
        registry.fetched.clear()

    monkeypatch.setattr(fcntl, "flock", take_turns)
    assert workers.champion().version == "3"
    assert registry.fetched == []


def test_a_worker_whose_turn_does_not_come_keeps_what_it_has(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    workers.champion()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    workers.settings = workers.settings.model_copy(update={"registry_timeout_s": 0.01})
    with folder.turn("FraudDetection_XGBoost", 1.0):
        assert workers.champion().version == "3"


def test_a_promoted_version_takes_over_when_models_are_loaded_again(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    workers.champion()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    assert workers.champion().version == "4"
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "4"


def test_the_last_good_model_decides_while_the_registry_is_away(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    before = workers.champion()
    registry.is_away()
    model = workers.champion()
    assert model.version == before.version
    features = rows().features[:20]
    assert np.array_equal(model.predict(features), before.predict(features))


def test_the_last_good_model_decides_when_a_new_one_cannot_be_fetched_for_now(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    workers.champion()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    registry.outcome = lambda command: ended(1, stderr="registry_unavailable\tMLflow failed\n")
    assert workers.champion().version == "3"


def test_the_last_good_model_decides_when_a_new_one_does_not_prove_itself(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    """Else one damaged promotion keeps every worker from starting."""
    workers.champion()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    registry.outcome = lambda command: ended(1, stderr="model_rejected\tits SHA-256 differs\n")
    assert workers.champion().version == "3"
    assert folder.remembered("FraudDetection_XGBoost", "champion") == "3"


def test_without_any_model_a_registry_that_is_away_is_waited_for(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    registry.is_away()
    with pytest.raises(RegistryUnavailable):
        workers.champion()


def test_a_model_that_was_changed_on_disk_is_not_loaded(
    workers: Workers, registry: Registry, folder: ModelFolder
) -> None:
    workers.champion()
    file = folder.folder("FraudDetection_XGBoost", "3") / "model.ubj"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelRejected, match="SHA-256 differs"):
        workers.champion()


def test_each_variant_of_the_split_has_its_model(workers: Workers, registry: Registry) -> None:
    workers.rules = Rules(DEFAULT_POLICY, create_default_ab_config())
    scorer = workers.start().look()
    assert scorer is not None
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


def test_a_second_look_answers_only_what_is_new(workers: Workers, registry: Registry) -> None:
    worker = workers.start()
    first = worker.look()
    assert first is not None
    assert worker.look() is None
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    second = worker.look()
    assert second is not None
    assert [first.models[0].version, second.models[0].version] == ["3", "4"]


def test_a_new_policy_or_split_is_news_too_and_takes_the_models_along(
    workers: Workers, registry: Registry
) -> None:
    worker = workers.start()
    first = worker.look()
    workers.rules = Rules(flat_policy("stricter", 0.1, 0.2), ONLY_CHAMPION)
    stricter = worker.look()
    workers.rules = workers.rules._replace(split=ABConfig("two", "salt", (CHAMPION, CHALLENGER)))
    both = worker.look()
    assert first is not None
    assert stricter is not None
    assert both is not None
    assert stricter.policy.version == "stricter"
    assert stricter.models[0] is first.models[0]
    assert [model.name for model in both.models] == ["FraudDetection_XGBoost", "FraudDetection_LightGBM"]


def test_a_running_worker_keeps_its_model_and_fetches_a_refused_one_again_only_after_a_while(
    workers: Workers, registry: Registry
) -> None:
    worker = workers.start()
    worker.look()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    registry.outcome = lambda command: ended(1, stderr="model_rejected\tits SHA-256 differs\n")
    for _ in range(3):
        assert worker.look() is None
    assert (workers.refused, len(registry.fetched)) == (["FraudDetection_XGBoost"], 2)
    workers.now_s = REFUSED_FOR_S + 1
    assert worker.look() is None
    assert len(registry.fetched) == 3


def test_a_running_worker_does_not_ask_again_and_again_for_what_the_registry_cannot_give(
    workers: Workers, registry: Registry
) -> None:
    worker = workers.start()
    worker.look()
    registry.versions["FraudDetection_XGBoost", "champion"] = "4"
    sound = registry.outcome
    registry.outcome = lambda command: ended(1, stderr="registry_unavailable\tMLflow failed\n")
    for _ in range(3):
        assert worker.look() is None
    assert (workers.refused, len(registry.fetched)) == ([], 2)
    registry.outcome = sound
    workers.now_s = AWAY_FOR_S + 1
    found = worker.look()
    assert found is not None
    assert found.models[0].version == "4"


def test_a_worker_that_is_told_of_a_rollback_has_the_old_model_at_hand(
    workers: Workers, registry: Registry
) -> None:
    worker = workers.start()
    worker.look()
    for version in ("4", "3"):
        registry.versions["FraudDetection_XGBoost", "champion"] = version
        found = worker.look()
        assert found is not None
        assert found.models[0].version == version
    assert len(registry.fetched) == 2


def test_a_change_of_models_falls_between_two_sweeps() -> None:
    """The new scorer comes into force while a sweep is being scored: that sweep ends with the old one."""
    worker = Worker()
    in_force: list[str] = ["1"]

    def predict(features: Any) -> Any:
        in_force[0] = "2"
        return np.full(len(features), 0.1)

    def of_now() -> Scorer:
        model = Model("M", in_force[0], predict, explain_by_amount)
        return Scorer(ABTestRouter(ONE_VARIANT), [model], POLICY)

    sweeps = TransactionSweeps(
        codec=TransactionCodec("EUR", 300_000),
        ledger=worker.ledger,
        keeper=worker.keeper,
        outbox=worker.outbox,
        gate=worker.gate,
        signer=lambda: None,
        decider=decider(of_now, worker.metrics),
        now=lambda: NOW,
        metrics=worker.metrics,
    )
    for names in (["a", "b"], ["c"]):
        sweeps.handle(continued(worker.ledger, "transactions", [transaction(name) for name in names]))
    versions = {name: row.decided.model_version for name, row in worker.ledger.rows.items()}
    assert versions == {"a": "1", "b": "1", "c": "2"}


def test_another_model_under_the_same_number_takes_over_in_a_running_worker(
    workers: Workers, registry: Registry
) -> None:
    """A registry that was made anew numbers from 1 again: what its files hash to tells them apart."""
    worker = workers.start()
    first = worker.look()
    assert worker.look() is None
    registry.hashes = "of another file"
    second = worker.look()
    assert first is not None
    assert second is not None
    assert second.models[0].version == first.models[0].version
    assert second.models[0] is not first.models[0]
    assert len(registry.fetched) == 2
