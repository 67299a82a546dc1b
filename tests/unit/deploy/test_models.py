"""`fraudml models` and `train --register`: whose place is taken, who is told, and what is asked first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main
from deploy.jobs import models, training
from models.ab_test import ABConfig, Variant, create_default_ab_config
from models.boosters import registered_name
from models.errors import LedgerUnavailable, RegistryUnavailable
from models.policy import DEFAULT_POLICY
from models.promotions import Promotion
from streams.ledger.rules import Rules

Run = Callable[..., Result]
XGBOOST, LIGHTGBM = registered_name("xgboost"), registered_name("lightgbm")


class Ledger:
    """A split in force, and the rows of the audit table; or nobody there."""

    def __init__(self) -> None:
        self.split = create_default_ab_config()
        self.rows: list[tuple[Any, ...]] = []
        self.away = False

    @contextmanager
    def rules_of(self, settings: object) -> Iterator["Ledger"]:
        yield self

    def in_force(self) -> Rules:
        self._reach()
        return Rules(DEFAULT_POLICY, self.split)

    def note(self, action: str, what: str, before: str | None, after: str, **words: Any) -> None:
        self._reach()
        self.rows.append((action, what, before, after, words["actor"], words["why"]))

    def _reach(self) -> None:
        if self.away:
            raise LedgerUnavailable("Postgres failed", why="nobody answers")


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    found = Ledger()
    monkeypatch.setattr(models, "rules_of", found.rules_of)
    monkeypatch.setattr(training, "rules_of", found.rules_of)
    return found


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes every promotion, and tells of it."""

    def promote(name: str, alias: str, version: str | None = None, **words: Any) -> Promotion:
        who, why = words["who"] or "us", words["why"]
        return Promotion(
            who=who, when="now", name=name, alias=alias, before="1", after=version or "2", metrics={}, why=why
        )

    monkeypatch.setattr("models.promotions.promote", promote)
    monkeypatch.setattr("models.promotions.roll_back", promote)
    monkeypatch.setattr("models.mlflow_registry.log_model_to_mlflow", lambda *_: "7")
    monkeypatch.setattr("models.mlflow_registry.reach_registry", lambda: None)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    return lambda *words: CliRunner().invoke(main.app, list(words))


@pytest.mark.parametrize("verb", ["promote", "rollback"])
@pytest.mark.parametrize(("name", "alias"), [(XGBOOST, "champion"), (LIGHTGBM, "challenger")])
def test_a_model_takes_the_place_of_its_variant(
    run: Run, ledger: Ledger, verb: str, name: str, alias: str
) -> None:
    result = run("models", verb, name, "--who", "ann", "--why", "better")
    assert result.exit_code == 0, result.stderr
    assert result.stderr == f"{name}: version 2 is {alias}, in place of 1\n"
    assert ledger.rows == [("promote", f"{name}@{alias}", "1", "2", "ann", "better")]


def test_the_split_in_force_says_which_place_that_is(run: Run, ledger: Ledger) -> None:
    ledger.split = ABConfig("swapped", "s", (Variant("champion", LIGHTGBM, "champion", 1.0),))
    assert "version 2 is champion" in run("models", "promote", LIGHTGBM).stderr


@pytest.mark.parametrize("words", [(LIGHTGBM, "--alias", "champion"), (XGBOOST, "--alias", "challenger")])
def test_a_place_that_no_variant_uses_is_taken_and_said(
    run: Run, ledger: Ledger, words: tuple[str, ...]
) -> None:
    result = run("models", "promote", *words)
    assert result.exit_code == 0
    assert (
        f"no variant of the split default-1 uses {words[0]} as {words[2]}: so it decides nothing"
        in result.stderr
    )


def test_a_model_in_two_places_needs_to_be_told_which(run: Run, ledger: Ledger) -> None:
    variants = (Variant("a", XGBOOST, "champion", 0.5), Variant("b", XGBOOST, "challenger", 0.5))
    ledger.split = ABConfig("twice", "s", variants)
    result = run("models", "rollback", XGBOOST)
    assert result.exit_code == 1
    assert "uses FraudDetection_XGBoost as challenger and as champion" in result.stderr
    assert "Next: give one with --alias" in result.stderr
    assert ledger.rows == []


@pytest.mark.parametrize("away", [False, True])
def test_a_model_is_verified_in_the_place_of_its_variant_even_without_a_ledger(
    run: Run, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    asked: list[str] = []

    def fetch(settings: object, folder: object, name: str, alias: str) -> str:
        asked.append(alias)
        raise RegistryUnavailable("MLflow failed")

    monkeypatch.setattr(models, "fetch_apart", fetch)
    ledger.away = away
    result = run("models", "verify", LIGHTGBM)
    assert (result.exit_code, asked) == (3, ["challenger"])
    assert ("going by the default one" in result.stderr) == away


class Fitted:
    """As much of a training as a registration looks at."""

    family, booster, calibration, trees = "lightgbm", None, None, 1
    start = end = "2018-05-01"
    features = fraud = None

    @property
    def learned(self) -> "Fitted":
        return self

    def summary(self) -> dict[str, Any]:
        return {"model": self.family, "rows": 10, "frauds": 1}


@pytest.fixture
def train(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr(training, "train_file", lambda *_, **__: Fitted())
    file = tmp_path / "payments.csv"
    file.touch()
    days = ("--start", "2018-05-01", "--end", "2018-05-02")
    return lambda *words: run("train", str(file), "--map", "generated", *days, "--model", "lightgbm", *words)


def test_a_trained_model_that_is_put_in_force_is_noted_in_the_ledger(train: Run, ledger: Ledger) -> None:
    result = train("--register", "--who", "ann", "--why", "May is in")
    assert result.exit_code == 0, result.output
    assert ledger.rows == [("promote", f"{LIGHTGBM}@challenger", "1", "7", "ann", "May is in")]
    assert f"registered as {LIGHTGBM} version 7, challenger" in result.stderr


def test_without_words_the_note_says_how_it_came_there(train: Run, ledger: Ledger) -> None:
    train("--register")
    assert ledger.rows == [("promote", f"{LIGHTGBM}@challenger", "1", "7", "us", "trained and registered")]


def test_a_ledger_that_is_away_is_said_and_the_model_is_registered(train: Run, ledger: Ledger) -> None:
    ledger.away = True
    result = train("--register")
    assert result.exit_code == 0
    assert "audit table does not have this promotion (Postgres failed. nobody answers)" in result.stderr
    assert f"the registry's record does: fraudml models show {LIGHTGBM}" in result.stderr


def test_a_registry_that_is_away_is_said_before_anything_is_trained(
    train: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise RegistryUnavailable("MLflow failed", why="nobody answers")

    monkeypatch.setattr("models.mlflow_registry.reach_registry", away)
    monkeypatch.setattr(training, "train_file", pytest.fail)
    result = train("--register")
    assert result.exit_code == 3
    assert result.stderr == (
        "error: MLflow failed. nobody answers. Next: fraudml status, or train without --register\n"
    )
    assert train("--register", "--why", "y" * 501).exit_code == 1


def test_words_about_a_promotion_that_there_is_not_are_bad_usage(train: Run) -> None:
    result = train("--why", "May is in")
    assert result.exit_code == 2
    assert "--register" in result.stderr
