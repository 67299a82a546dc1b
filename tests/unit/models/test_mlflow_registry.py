"""The registry on a real MLflow store in a file: no server, no sockets."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from models.boosters import FAMILIES, FAMILY_TITLES, Family, registered_name, trees_of
from models.errors import Misuse, ModelRejected, RegistryUnavailable
from models.features import FEATURE_NAMES, features_hash
from models.manifest import FILES_TAG, load_verified, sha256_of
from models.mlflow_fetch import fetch, main
from models.mlflow_registry import (
    CLAIMS_KEY,
    LOGGED_FILES,
    hashes_of,
    log_model_to_mlflow,
)
from models.model_folder import ModelFolder
from tests.unit.models.registered import CHECKOUT, foreign, run_apart
from tests.unit.models.trained import CALIBRATION, booster, manifest_of, rows

# MLflow, and what it stands on, warn of themselves; what our modules are warned of stays an error.
pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")

META = {
    "trained": {"start": "2026-01-01", "end": "2026-01-31"},
    "metrics": {"average_precision": 0.5},
    "calibration": CALIBRATION,
}


@pytest.fixture(scope="module")
def logged(store: str) -> dict[Family, str]:
    """One version of each family, logged as the guide shows."""
    sample = rows()
    return {
        family: log_model_to_mlflow(
            booster(family), FAMILY_TITLES[family], sample.features, sample.fraud, META
        )
        for family in FAMILIES
    }


@pytest.fixture
def models(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "models")


# Logging.


@pytest.mark.parametrize("family", FAMILIES)
def test_a_logged_model_is_registered_with_its_hashes(
    family: Family, logged: dict[Family, str], client: Any
) -> None:
    name = {"xgboost": "FraudDetection_XGBoost", "lightgbm": "FraudDetection_LightGBM"}[family]
    version = client.get_model_version(name, logged[family])
    artifact = Path(client.get_model_version_download_uri(name, logged[family]).removeprefix("file://"))
    assert version.tags["fraudml.features_hash"] == features_hash()
    hashes = msgspec.json.decode(version.tags[FILES_TAG])
    assert hashes == hashes_of(artifact)
    assert hashes[LOGGED_FILES[family]] == sha256_of(artifact / LOGGED_FILES[family])


def test_a_logged_model_holds_no_pickle(logged: dict[Family, str], client: Any) -> None:
    for family, version in logged.items():
        uri = client.get_model_version_download_uri(registered_name(family), version)
        names = {file.name for file in Path(uri.removeprefix("file://")).rglob("*") if file.is_file()}
        assert LOGGED_FILES[family] in names
        assert {name for name in names if name.endswith((".pkl", ".pickle", ".py"))} == set()


def test_what_a_model_was_trained_on_is_kept_with_its_run(logged: dict[Family, str], client: Any) -> None:
    version = client.get_model_version("FraudDetection_XGBoost", logged["xgboost"])
    run = client.get_run(version.run_id).data
    assert run.metrics == {"average_precision": 0.5}
    assert run.params == {
        "family": "xgboost",
        "rows": "1500",
        "frauds": str(int(rows().fraud.sum())),
        "start": "2026-01-01",
        "end": "2026-01-31",
    }


def test_the_signature_bears_the_names_of_the_features_in_order(logged: dict[Family, str]) -> None:
    from mlflow.models import get_model_info

    for family, version in logged.items():
        signature = get_model_info(f"models:/{registered_name(family)}/{version}").signature
        assert signature.inputs.input_names() == list(FEATURE_NAMES)


def test_a_model_of_an_unknown_family_is_refused(store: str) -> None:
    with pytest.raises(
        Misuse, match=r"no family of models is called Catboost\. Next: use XGBoost or LightGBM"
    ):
        log_model_to_mlflow(booster("xgboost"), "Catboost", rows().features, rows().fraud)


def test_features_of_another_width_are_refused(store: str) -> None:
    with pytest.raises(Misuse, match=r"the rows have shape \(1500, 14\)\. FEATURES has 15"):
        log_model_to_mlflow(booster("xgboost"), "XGBoost", rows().features[:, :-1], rows().fraud)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_is_no_booster_of_its_family_is_refused(store: str, family: Family) -> None:
    (other,) = set(FAMILIES) - {family}
    with pytest.raises(Misuse):
        log_model_to_mlflow(booster(other), FAMILY_TITLES[family], rows().features, rows().fraud)


def test_tables_of_pandas_are_taken_too_and_make_the_next_version(logged: dict[Family, str]) -> None:
    import pandas as pd

    sample = rows()
    table = pd.DataFrame(sample.features, columns=list(FEATURE_NAMES))
    version = log_model_to_mlflow(booster("xgboost"), "XGBoost", table, pd.Series(sample.fraud))
    assert int(version) == int(logged["xgboost"]) + 1


# Fetching.


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fetched_model_gives_the_scores_of_the_one_that_was_logged(
    family: Family, logged: dict[Family, str], models: ModelFolder, client: Any
) -> None:
    name = registered_name(family)
    client.set_registered_model_alias(name, "wanted", logged[family])
    manifest = fetch(name, "wanted", models)
    assert (manifest.name, manifest.version) == (name, logged[family])
    assert manifest.claims.trained == META["trained"]
    model = load_verified(models.folder(name, manifest.version))
    expected = CALIBRATION.probabilities(trees_of(booster(family), family).margins(rows().features))
    assert np.array_equal(model.predict(rows().features), expected)
    assert [folder.name for folder in models.root.iterdir()] == [name]


def test_an_alias_that_nobody_bears_is_not_there_yet(logged: dict[Family, str], models: ModelFolder) -> None:
    with pytest.raises(RegistryUnavailable, match="MLflow failed"):
        fetch("FraudDetection_XGBoost", "nobody", models)


def other_hash(hashes: dict[str, str]) -> str:
    return msgspec.json.encode(hashes | {LOGGED_FILES["lightgbm"]: "0" * 64}).decode()


def one_file_less(hashes: dict[str, str]) -> str:
    return msgspec.json.encode({name: each for name, each in hashes.items() if name != "MLmodel"}).decode()


def one_file_more(hashes: dict[str, str]) -> str:
    return msgspec.json.encode(hashes | {"loader.py": "0" * 64}).decode()


@pytest.mark.parametrize(
    ("registered", "why"),
    [
        (other_hash, "model.lgb is missing, new or has another SHA-256"),
        (one_file_less, "MLmodel is missing, new or has another SHA-256"),
        (one_file_more, "loader.py is missing, new or has another SHA-256"),
        (lambda hashes: "", "its files have no registered hashes"),
    ],
)
def test_a_model_whose_files_are_not_the_registered_ones_is_refused_and_leaves_nothing(
    logged: dict[Family, str],
    client: Any,
    models: ModelFolder,
    registered: Callable[[dict[str, str]], str],
    why: str,
) -> None:
    name, version = "FraudDetection_LightGBM", logged["lightgbm"]
    client.set_registered_model_alias(name, "doubtful", version)
    sound = client.get_model_version(name, version).tags[FILES_TAG]
    client.set_model_version_tag(name, version, FILES_TAG, registered(msgspec.json.decode(sound)))
    with pytest.raises(ModelRejected, match=why):
        fetch(name, "doubtful", models)
    client.set_model_version_tag(name, version, FILES_TAG, sound)
    assert list(models.root.iterdir()) == []


def test_a_pickle_is_refused_and_never_loaded(client: Any, models: ModelFolder, tmp_path: Path) -> None:
    foreign(client, tmp_path / "foreign", "Foreign", metadata={})
    with pytest.raises(ModelRejected, match="Foreign version 1 was not logged by log_model_to_mlflow"):
        fetch("Foreign", "champion", models)
    assert not Path("loaded").exists()
    assert list(models.root.iterdir()) == []


def test_a_pickle_that_claims_to_be_a_booster_is_refused_and_never_loaded(
    client: Any, models: ModelFolder, tmp_path: Path
) -> None:
    claims = msgspec.to_builtins(manifest_of("xgboost").claims)
    version = foreign(client, tmp_path / "forged", "Forged", metadata={CLAIMS_KEY: claims})
    forged = msgspec.json.encode(hashes_of(tmp_path / "forged")).decode()
    client.set_model_version_tag("Forged", version, FILES_TAG, forged)
    with pytest.raises(ModelRejected, match=r"Forged version 1 holds no model\.ubj"):
        fetch("Forged", "champion", models)
    assert not Path("loaded").exists()
    assert list(models.root.iterdir()) == []


# As a program.


@pytest.fixture(scope="module")
def program(
    logged: dict[Family, str], client: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """Where a process of its own put the model it fetched, and how it ended."""
    client.set_registered_model_alias("FraudDetection_XGBoost", "for-program", logged["xgboost"])
    folder = tmp_path_factory.mktemp("fetched")
    done = run_apart("FraudDetection_XGBoost", "for-program", str(folder))
    return folder, done


def test_as_a_program_it_fetches_and_prints_the_version(
    program: tuple[Path, "subprocess.CompletedProcess[str]"], logged: dict[Family, str]
) -> None:
    folder, done = program
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == logged["xgboost"]
    assert ModelFolder(folder).has("FraudDetection_XGBoost", logged["xgboost"])


def test_as_a_program_it_tells_nobody_outside(
    program: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> None:
    assert program[1].stdout.splitlines()[1] == "told by MLflow: [] None"


def test_a_process_that_reads_a_model_may_not_compute_or_grow_without_end() -> None:
    """Asked in a process of its own: limits cannot be taken back."""
    program = (
        "import os, resource; from models import mlflow_fetch as fetch; before = os.nice(0); "
        "fetch.limit_ourselves(); "
        "print([resource.getrlimit(what)[0] == most for what, most in fetch.LIMITS.items()], "
        "os.nice(0) == min(19, before + fetch.NICENESS))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=CHECKOUT
    )
    assert done.stdout.strip() == "[True, True, True, True] True"


def test_as_a_program_it_says_what_was_wrong_in_one_line(
    logged: dict[Family, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["FraudDetection_XGBoost", "nobody", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("registry_unavailable\tMLflow failed. ")
