"""The registry on MLflow: log, promote, fetch. Models are native files, never pickles, and prove themselves.

Run as a program it fetches one model into the local folder, so that `mlflow` is never imported where scores
are computed: `python -m models.mlflow_registry NAME ALIAS FOLDER`.
"""

import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import (
    FAMILIES,
    FAMILY_TITLES,
    MODEL_FILES,
    Family,
    Matrix,
    is_booster,
    predict_with,
    registered_name,
)
from models.errors import FraudError, Misuse, ModelRejected, RegistryUnavailable
from models.features import FEATURE_NAMES, features_hash
from models.manifest import Claims, Manifest, ModelFolder, claims_of, sha256_of, verify, write_manifest

ALIAS_OF_STAGE = {"Production": "champion", "Staging": "challenger"}
PREVIOUS = "previous"
CLAIMS_KEY = "fraudml"
SHA256_TAG = "fraudml.sha256"
FEATURES_TAG = "fraudml.features_hash"
EXPERIMENT = "FraudDetection"
# By default the client tries for many minutes before it says that nobody is there, and tells its makers.
CLIENT_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
# What each flavour of MLflow calls its file.
LOGGED_FILES: dict[Family, str] = {"xgboost": "model.ubj", "lightgbm": "model.lgb"}
REQUIREMENTS: dict[Family, list[str]] = {
    "xgboost": ["xgboost-cpu", "numpy"],
    "lightgbm": ["lightgbm", "numpy"],
}


def log_model_to_mlflow(
    model: Any, title: str, X_train: Matrix, y_train: NDArray[Any], meta: Mapping[str, Any] | None = None
) -> str:
    """Log a native booster and register it as FraudDetection_<title>. Returns the new version.

    Args:
        model: an xgboost or lightgbm Booster over FEATURES.
        title: "XGBoost" or "LightGBM".
        X_train, y_train: what it was fitted to; golden rows and the signature are taken from them.
        meta: "trained" (texts) and "metrics" (numbers) are kept with the model.

    Raises:
        Misuse: an unknown title, another kind of model, or features of another width.
        RegistryUnavailable: MLflow cannot be reached.
    """
    family = _family_of(title)
    if not is_booster(model, family):
        raise Misuse(
            f"a {type(model).__name__} is no native booster of {title}",
            next_step="log the Booster itself: XGBClassifier.get_booster(), or LGBMClassifier.booster_",
        )
    if X_train.shape[1] != len(FEATURE_NAMES):
        raise Misuse(f"the model has {X_train.shape[1]} features", why=f"FEATURES has {len(FEATURE_NAMES)}")
    meta = meta or {}
    trained = {key: str(value) for key, value in dict(meta.get("trained", {})).items()}
    matrix = np.ascontiguousarray(X_train, np.float32)
    claims = claims_of(family, predict_with(model, family), matrix, int(y_train.sum()), trained)
    with _mlflow() as mlflow:
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(run_name=f"{title} {trained.get('start', '')}".strip()):
            mlflow.log_params({"family": family, "rows": claims.rows, "frauds": claims.frauds, **trained})
            mlflow.log_metrics({key: float(value) for key, value in dict(meta.get("metrics", {})).items()})
            info = _log(mlflow, model, family, claims, matrix)
        return _tag(mlflow, registered_name(family), str(info.registered_model_version), family)


def _family_of(title: str) -> Family:
    for family in FAMILIES:
        if FAMILY_TITLES[family] == title:
            return family
    raise Misuse(
        f"no family of models is called {title}", next_step=f"use {' or '.join(FAMILY_TITLES.values())}"
    )


def _log(mlflow: Any, model: Any, family: Family, claims: Claims, features: Matrix) -> Any:
    import importlib

    flavour = importlib.import_module(f"mlflow.{family}")
    scores = np.array(claims.golden_scores[:5])
    schema = {"model_format": "ubj"} if family == "xgboost" else {}
    return flavour.log_model(
        model,
        name="model",
        registered_model_name=registered_name(family),
        signature=mlflow.models.infer_signature(_named(features[:5]), scores),
        pip_requirements=REQUIREMENTS[family],
        metadata={CLAIMS_KEY: msgspec.to_builtins(claims)},
        await_registration_for=60,
        **schema,
    )


def _named(rows: Matrix) -> Any:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(FEATURE_NAMES))


def _tag(mlflow: Any, name: str, version: str, family: Family) -> str:
    """Note the hash of the file as the registry now holds it."""
    client = mlflow.MlflowClient()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}"))
    client.set_model_version_tag(name, version, SHA256_TAG, sha256_of(folder / LOGGED_FILES[family]))
    client.set_model_version_tag(name, version, FEATURES_TAG, features_hash())
    return version


def promote_model_to_stage(name: str, stage: str, version: str | None = None) -> str:
    """Put a version, by default the newest, in Production (champion) or Staging (challenger). Returns it.

    What was there before keeps the alias `previous`, for one step back.

    Raises:
        Misuse: an unknown stage or version, or a model without versions.
        RegistryUnavailable: MLflow cannot be reached.
    """
    alias = ALIAS_OF_STAGE.get(stage)
    if alias is None:
        raise Misuse(f"there is no stage {stage}", next_step=f"use {' or '.join(ALIAS_OF_STAGE)}")
    with _mlflow() as mlflow:
        client = mlflow.MlflowClient()
        version = _existing(mlflow, name, version) if version else _newest(client, name)
        before = client.get_registered_model(name).aliases.get(alias)
        if before is not None and str(before) != version:
            client.set_registered_model_alias(name, PREVIOUS, before)
        client.set_registered_model_alias(name, alias, version)
        return version


def _existing(mlflow: Any, name: str, version: str) -> str:
    try:
        return str(mlflow.MlflowClient().get_model_version(name, version).version)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise Misuse(
            f"{name} has no version {version}", next_step="look at MLflow's page of the model"
        ) from None


def _newest(client: Any, name: str) -> str:
    versions = client.search_model_versions(f"name='{name}'")
    if not versions:
        raise Misuse(f"{name} has no version", next_step="fraudml train FILE --map MAP ... --register")
    return str(max(int(each.version) for each in versions))


def fetch(name: str, alias: str, models: ModelFolder) -> Manifest:
    """Bring the version behind an alias into the local folder, once it has proven itself.

    Parses a file from outside: call it in a process of its own.

    Raises:
        ModelRejected: the file is not what was registered, or not what it claims to be.
        RegistryUnavailable: MLflow cannot be reached.
    """
    place = models.workplace()
    try:
        with _mlflow() as mlflow:
            found = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
            source = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{found.version}"))
            claims = _claims(mlflow.models.Model.load(str(source)), name)
        if not (source / LOGGED_FILES[claims.family]).is_file():
            raise ModelRejected(f"{name} version {found.version} holds no {LOGGED_FILES[claims.family]}")
        prepared = place / str(found.version)
        prepared.mkdir()
        shutil.copyfile(source / LOGGED_FILES[claims.family], prepared / MODEL_FILES[claims.family])
        sha256 = found.tags.get(SHA256_TAG, "")
        write_manifest(
            prepared, Manifest(name=name, version=str(found.version), sha256=sha256, claims=claims)
        )
        manifest = verify(prepared)
        models.admit(prepared, name, manifest.version)
        return manifest
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _claims(model: Any, name: str) -> Claims:
    try:
        return msgspec.convert((model.metadata or {})[CLAIMS_KEY], Claims)
    except (KeyError, msgspec.ValidationError) as error:
        raise ModelRejected(
            f"{name} was not logged by log_model_to_mlflow", why=str(error), next_step="log it again with it"
        ) from error


@contextmanager
def _mlflow() -> Iterator[Any]:
    """MLflow, quietly; its exceptions end here."""
    import logging

    for name, value in CLIENT_LIMITS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        # It prints to both streams, and ours carry data and our own words.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield mlflow
    except MlflowException as error:
        why = str(error).split("\n")[0]
        raise RegistryUnavailable("MLflow failed", why=why, next_step="fraudml status") from error


def main(arguments: list[str]) -> int:
    name, alias, folder = arguments
    try:
        manifest = fetch(name, alias, ModelFolder(Path(folder)))
    except FraudError as error:
        print(f"{error.code}\t{error}", file=sys.stderr)  # noqa: T201
        return 1
    print(manifest.version)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
