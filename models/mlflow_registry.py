"""The registry on MLflow, under the names of the guide. Models are native files, never pickles."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import FAMILIES, FAMILY_TITLES, Family, Matrix, native, registered_name, trees_of
from models.calibration import AS_IT_IS, Calibration
from models.errors import Misuse
from models.features import FEATURE_NAMES, features_hash
from models.manifest import Claims, claims_of, sha256_of
from models.mlflow_client import quiet_mlflow
from models.promotions import promote
from models.signature import sign

ALIAS_OF_STAGE = {"Production": "champion", "Staging": "challenger"}
CLAIMS_KEY = "fraudml"
FILES_TAG = "fraudml.sha256"
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
        X_train, y_train: what it was fitted to, arrays or frames; golden rows, the signature and the
        distribution of
            each feature are taken from them.
        meta: "trained" (texts), "metrics" (numbers) and "calibration" (a Calibration, or its slope and
        intercept)
            are kept with the model. Without a calibration its probabilities stay as they are.
            "signing_key" (the path of an Ed25519 private key) signs it.

    Raises:
        Misuse: an unknown title, another kind of model, features of another width or in another order.
        RegistryUnavailable: MLflow cannot be reached.
    """
    family = _family_of(title)
    booster = native(model, family)
    matrix, fraud = _matrix(X_train), np.asarray(y_train)
    if len(matrix) != len(fraud):
        raise Misuse(f"there are {len(matrix):,} rows and {len(fraud):,} labels")
    meta = meta or {}
    claims = claims_of(
        family,
        trees_of(booster, family),
        msgspec.convert(meta.get("calibration", AS_IT_IS), Calibration),
        matrix,
        int(fraud.sum()),
        trained={key: str(value) for key, value in dict(meta.get("trained", {})).items()},
        metrics={key: float(value) for key, value in dict(meta.get("metrics", {})).items()},
    )
    with quiet_mlflow() as mlflow:
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(run_name=f"{title} {claims.trained.get('start', '')}".strip()):
            mlflow.log_params(
                {"family": family, "rows": claims.rows, "frauds": claims.frauds, **claims.trained}
            )
            mlflow.log_metrics(claims.metrics)
            info = _log(mlflow, booster, family, claims, matrix)
        version = str(info.registered_model_version)
        return _tag(mlflow, registered_name(family), version, meta.get("signing_key"))


def _family_of(title: str) -> Family:
    for family in FAMILIES:
        if FAMILY_TITLES[family] == title:
            return family
    raise Misuse(
        f"no family of models is called {title}", next_step=f"use {' or '.join(FAMILY_TITLES.values())}"
    )


def _matrix(given: Any) -> Matrix:
    """Rows of FEATURES, whatever holds them.

    Raises:
        Misuse: columns of other names, in another order, or too many or few of them.
    """
    names = list(getattr(given, "columns", FEATURE_NAMES))
    if names != list(FEATURE_NAMES):
        what = "stand in another order" if set(names) == set(FEATURE_NAMES) else "are not those of FEATURES"
        raise Misuse(
            f"the columns {what}", why=f"they are {names}", next_step="select them with list(FEATURE_NAMES)"
        )
    matrix = np.ascontiguousarray(given, np.float32)
    if matrix.ndim != 2 or matrix.shape[1] != len(FEATURE_NAMES):
        raise Misuse(f"the rows have shape {matrix.shape}", why=f"FEATURES has {len(FEATURE_NAMES)}")
    return matrix


def _log(mlflow: Any, booster: Any, family: Family, claims: Claims, features: Matrix) -> Any:
    import importlib

    flavour = importlib.import_module(f"mlflow.{family}")
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


def _tag(mlflow: Any, name: str, version: str, signing_key: Path | None) -> str:
    """Note the hash of every file as the registry now holds it, and sign that."""
    client = mlflow.MlflowClient()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}"))
    hashes = msgspec.json.encode(hashes_of(folder)).decode()
    client.set_model_version_tag(name, version, FILES_TAG, hashes)
    if signing_key is not None:
        client.set_model_version_tag(name, version, SIGNATURE_TAG, sign(signing_key, name, hashes))
    client.set_model_version_tag(name, version, FEATURES_TAG, features_hash())
    return version


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
        with mlflow.start_run(run_name=run_name):
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
