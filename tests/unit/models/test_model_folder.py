"""The folder of models that have proven themselves."""

import os
from pathlib import Path
from typing import Any

import msgspec

from models.boosters import Family
from models.manifest import read_manifest, sha256_of, verify, write_manifest
from models.model_folder import ModelFolder
from tests.unit.models.trained import model_folder


def prepared(models: ModelFolder, family: Family = "xgboost", **claimed: Any) -> Path:
    return model_folder(models.workplace(), family, **claimed)


def test_a_proven_model_moves_into_its_place_as_a_whole(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path / "models")
    assert not models.has("FraudDetection_XGBoost", "3")
    models.admit(prepared(models), "FraudDetection_XGBoost", "3")
    assert models.has("FraudDetection_XGBoost", "3")
    assert verify(models.folder("FraudDetection_XGBoost", "3")).version == "3"


def test_a_model_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path)
    models.admit(prepared(models, rows=1), "M", "3")
    models.admit(prepared(models, rows=2), "M", "3")
    assert read_manifest(models.folder("M", "3")).claims.rows == 1


def test_models_are_prepared_apart(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path)
    first, second = models.workplace(), models.workplace()
    assert first != second
    assert first.parent == second.parent == tmp_path
    assert first.name.startswith(".")


def test_the_version_behind_an_alias_is_remembered(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path)
    assert models.remembered("M", "champion") is None
    models.remember("M", "champion", "3")
    models.remember("M", "champion", "12")
    models.remember("M", "challenger", "13")
    assert ModelFolder(tmp_path).remembered("M", "champion") == "12"
    assert [file.name for file in sorted((tmp_path / "M").iterdir())] == [
        "alias-challenger",
        "alias-champion",
    ]


def test_another_model_of_the_same_number_takes_its_place(tmp_path: Path) -> None:
    """As a registry that was made anew numbers from 1 again."""
    models = ModelFolder(tmp_path / "models")
    old = model_folder(tmp_path, "xgboost")
    name, version = read_manifest(old).name, read_manifest(old).version
    models.admit(old, name, version)
    new = model_folder(tmp_path, "xgboost")
    file = new / "model.ubj"
    file.write_bytes(file.read_bytes() + b" ")
    write_manifest(new, msgspec.structs.replace(read_manifest(new), sha256=sha256_of(file)))
    hashes = f'{{"model.ubj":"{sha256_of(file)}"}}'
    assert models.has(name, version)
    assert not models.has(name, version, hashes)
    models.admit(new, name, version)
    assert models.has(name, version, hashes)


def test_what_a_killed_fetch_has_left_is_removed_by_a_later_one(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path / "models")
    left, young = models.workplace(), models.workplace()
    os.utime(left, (0, 0))
    models.workplace()
    assert (left.exists(), young.exists()) == (False, True)
