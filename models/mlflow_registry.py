"""The registry on MLflow, under the names of the guide. Models are native files, never pickles."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import FAMILY_TITLES, Family, Matrix, registered_name, trees_of
from models.errors import Misuse
from models.features import FEATURE_NAMES, features_hash
from models.given import calibration_in, family_of, metrics_in, trained_in, training_rows
from models.manifest import FILES_TAG, Claims, claims_of, sha256_of
from models.mlflow_client import quiet_mlflow
from models.native import native
from models.promotions import promote
from models.signature import signer

ALIAS_OF_STAGE = {"Production": "champion", "Staging": "challenger"}
CLAIMS_KEY = "fraudml"
SIGNATURE_TAG = "fraudml.signature"
FEATURES_TAG = "fraudml.features_hash"
EXPERIMENT = "FraudDetection"
DOWNLOAD_NOTE = "registered_model_meta"
# What each flavour of MLflow calls its file.
LOGGED_FILES: dict[Family, str] = {"xgboost": "model.ubj", "lightgbm": "model.lgb"}
REQUIREMENTS: dict[Family, list[str]] = {
    "xgboost": ["xgboost-cpu", "numpy"],
    "lightgbm": ["lightgbm", "numpy"],
}


def log_model_to_mlflow(
    model: Any, title: str, X_train: Any, y_train: Any, meta: Mapping[str, Any] | None = None
) -> str:
    """Log a model and register it as FraudDetection_<title>. Returns the new version.

    Args:
        model: an xgboost or lightgbm Booster over FEATURES, or what their scikit-learn interfaces fitted.
        title: "XGBoost" or "LightGBM".
        X_train, y_train: what it was fitted to, arrays or frames; golden rows, the signature and each
            feature's distribution are taken from them.
        meta: "trained" (texts), "metrics" (numbers) and "calibration" (a Calibration, or its slope and
            intercept) are kept with the model; without a calibration its probabilities stay as they are.
            "signing_key" (the path of an Ed25519 private key) signs it.

    Raises:
        Misuse: an unknown title, another kind of model or objective, other features, or rows, labels or meta
            that cannot be. Nothing is registered then.
        BadSetting: the signing key cannot be read, or nobody said where MLflow is.
        RegistryUnavailable: MLflow cannot be reached.
    """
    family, meta = family_of(title), meta or {}
    booster = native(model, family)
    matrix, fraud = training_rows(X_train, y_train)
    # Read first, as all that may be wrong of ours: a version cannot be taken back unseen.
    sign = signer(meta["signing_key"]) if meta.get("signing_key") is not None else None
    claims = claims_of(
        family,
        trees_of(booster, family),
        calibration_in(meta),
        matrix,
        int(fraud.sum()),
        trained=trained_in(meta),
        metrics=metrics_in(meta),
    )
    with quiet_mlflow() as mlflow:
        version = _registered(mlflow, booster, claims, matrix)
        with _gone_unless_whole(mlflow, registered_name(family), version):
            _tag(mlflow, registered_name(family), version, sign)
        return version


def _registered(mlflow: Any, booster: Any, claims: Claims, matrix: Matrix) -> str:
    """A run with the model in it, beneath the caller's own where there is one, and the new version."""
    family = claims.family
    mlflow.set_experiment(EXPERIMENT)
    run_name = f"{FAMILY_TITLES[family]} {claims.trained.get('start', '')}".strip()
    with mlflow.start_run(run_name=run_name, nested=True):
        mlflow.log_params({"family": family, "rows": claims.rows, "frauds": claims.frauds, **claims.trained})
        mlflow.log_metrics(claims.metrics)
        info = _log(mlflow, booster, family, claims, matrix)
    return str(info.registered_model_version)


@contextmanager
def _gone_unless_whole(mlflow: Any, name: str, version: str) -> Iterator[None]:
    """Delete a version that did not get its hashes and its signature: no worker would take it."""
    try:
        yield
    except BaseException:
        # What went wrong first matters more than a registry that cannot delete either.
        with suppress(Exception):
            mlflow.MlflowClient().delete_model_version(name, version)
        raise


def _log(mlflow: Any, booster: Any, family: Family, claims: Claims, features: Matrix) -> Any:
    flavour = import_module(f"mlflow.{family}")
    schema = {"model_format": "ubj"} if family == "xgboost" else {}
    return flavour.log_model(
        booster,
        name="model",
        registered_model_name=registered_name(family),
        signature=mlflow.models.infer_signature(_named(features[:5]), np.array(claims.golden_scores[:5])),
        pip_requirements=REQUIREMENTS[family],
        metadata={CLAIMS_KEY: msgspec.to_builtins(claims)},
        await_registration_for=60,
        **schema,
    )


def _named(rows: NDArray[np.float32]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(FEATURE_NAMES))


def _tag(mlflow: Any, name: str, version: str, sign: Callable[[str, str], str] | None) -> None:
    """Note the hash of every file as the registry now holds it, and sign that."""
    client = mlflow.MlflowClient()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}"))
    hashes = msgspec.json.encode(hashes_of(folder)).decode()
    client.set_model_version_tag(name, version, FILES_TAG, hashes)
    if sign is not None:
        client.set_model_version_tag(name, version, SIGNATURE_TAG, sign(name, hashes))
    client.set_model_version_tag(name, version, FEATURES_TAG, features_hash())


def sign_versions(key: Path) -> list[str]:
    """Sign every version of our models that has hashes, in the place of any other signature; their names.

    Raises:
        BadSetting: the key cannot be read, or nobody said where MLflow is.
        RegistryUnavailable: MLflow cannot be reached.
    """
    sign, signed = signer(key), []
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        for name in map(registered_name, FAMILY_TITLES):
            for found in client.search_model_versions(f"name='{name}'"):
                if hashes := found.tags.get(FILES_TAG):
                    client.set_model_version_tag(name, found.version, SIGNATURE_TAG, sign(name, hashes))
                    signed.append(f"{name} version {found.version}")
    return sorted(signed)


def hashes_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path in it; without what MLflow writes beside a
    download."""
    files = sorted(file for file in folder.rglob("*") if not file.is_dir() and file.name != DOWNLOAD_NOTE)
    return {str(file.relative_to(folder)): sha256_of(file) for file in files}


def reach_registry() -> None:
    """Make the experiment that models are logged to, where there is none: so the registry can be written to.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        mlflow.set_experiment(EXPERIMENT)


def log_figures(run_name: str, words: Mapping[str, str], figures: Mapping[str, float]) -> None:
    """Log a run that has no model.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(run_name=run_name, nested=True):
            mlflow.log_params(dict(words))
            mlflow.log_metrics({name: float(value) for name, value in figures.items()})


def promote_model_to_stage(
    name: str,
    stage: str,
    version: str | None = None,
    *,
    who: str | None = None,
    why: str = "",
    now: datetime | None = None,
) -> str:
    """Put a version, by default the newest, in Production (champion) or Staging (challenger). Returns it.

    What was there before keeps the alias `previous`. The model's tags keep the record; no ledger is
    told.

    Raises:
        Misuse: an unknown stage or version, a model without versions, or too many words.
        RegistryUnavailable: MLflow cannot be reached.
    """
    alias = ALIAS_OF_STAGE.get(stage)
    if alias is None:
        raise Misuse(f"there is no stage {stage}", next_step=f"use {' or '.join(ALIAS_OF_STAGE)}")
    return promote(name, alias, version, who=who, why=why, now=now).after
