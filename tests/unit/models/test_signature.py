"""Signatures: where they are asked for, only what the holder of the key has signed comes in."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from models.errors import BadSetting, ModelRejected
from models.mlflow_fetch import fetch
from models.mlflow_registry import log_model_to_mlflow, sign_versions
from models.model_folder import ModelFolder
from models.signature import check_signature, new_signing_key, public_of, signer
from tests.unit.models.registered import written_keys
from tests.unit.models.trained import booster, rows

# MLflow, and what it stands on, warn of themselves; what our modules are warned of stays an error.
pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")

NAME = "FraudDetection_LightGBM"


@pytest.fixture
def models(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "models")


def logged(**meta: Any) -> str:
    sample = rows()
    return log_model_to_mlflow(booster("lightgbm"), "LightGBM", sample.features, sample.fraud, meta)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A private and a public key, in files."""
    return written_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(store: str, keys: tuple[Path, Path]) -> str:
    """A version that bears the key holder's signature."""
    return logged(signing_key=keys[0])


def test_a_signed_model_is_taken_where_signatures_are_asked_for(
    signed: str, client: Any, models: ModelFolder, keys: tuple[Path, Path]
) -> None:
    client.set_registered_model_alias(NAME, "signed", signed)
    assert fetch(NAME, "signed", models, keys[1]).version == signed


def test_a_model_without_a_signature_is_refused_where_one_is_asked_for(
    store: str, client: Any, models: ModelFolder, keys: tuple[Path, Path]
) -> None:
    client.set_registered_model_alias(NAME, "unsigned", logged())
    with pytest.raises(ModelRejected, match=f"{NAME} is not signed"):
        fetch(NAME, "unsigned", models, keys[1])


def test_a_model_that_somebody_else_has_signed_is_refused(
    signed: str, client: Any, models: ModelFolder, tmp_path: Path
) -> None:
    client.set_registered_model_alias(NAME, "signed", signed)
    _, anothers = written_keys(tmp_path)
    with pytest.raises(ModelRejected, match="not signed by the holder of the key"):
        fetch(NAME, "signed", models, anothers)


def test_hashes_that_are_changed_after_signing_are_refused(keys: tuple[Path, Path]) -> None:
    signature = signer(keys[0])("M", '{"model.ubj":"aa"}')
    check_signature(keys[1], "M", '{"model.ubj":"aa"}', signature)
    for name, hashes in (("N", '{"model.ubj":"aa"}'), ("M", '{"model.ubj":"ab"}')):
        with pytest.raises(ModelRejected, match="not signed by the holder"):
            check_signature(keys[1], name, hashes, signature)


def test_a_key_file_that_is_none_says_so(keys: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other.key").write_text("something else")
    with pytest.raises(BadSetting, match=r"other\.key cannot be read as a key"):
        signer(tmp_path / "other.key")
    with pytest.raises(BadSetting, match=r"model\.pub cannot be read as a key"):
        signer(keys[1])


def test_versions_that_stood_before_the_key_are_signed_as_they_stand(
    client: Any, models: ModelFolder, store: str, tmp_path: Path
) -> None:
    version = logged()
    client.set_registered_model_alias(NAME, "before-the-key", version)
    private, public = tmp_path / "new.key", tmp_path / "new.pub"
    private.write_bytes(new_signing_key(Random(3).randbytes))
    public.write_bytes(public_of(private))
    with pytest.raises(ModelRejected, match="not signed"):
        fetch(NAME, "before-the-key", models, public)
    assert f"{NAME} version {version}" in sign_versions(private)
    assert fetch(NAME, "before-the-key", models, public).version == version
