"""The registry on MLflow: log, promote, roll back, look. Models are native files, never pickles."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
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

ALIAS_OF_STAGE = {"Production": "champion", "Staging": "challenger"}
PREVIOUS = "previous"
CLAIMS_KEY = "fraudml"
FILES_TAG = "fraudml.sha256"
FEATURES_TAG = "fraudml.features_hash"
PROMOTION_TAG = "fraudml.promotion."
EXPERIMENT = "FraudDetection"
# Sorts by time, and may be part of a tag's name.
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
DOWNLOAD_NOTE = "registered_model_meta"
# What each flavour of MLflow calls its file.
LOGGED_FILES: dict[Family, str] = {"xgboost": "model.ubj", "lightgbm": "model.lgb"}
REQUIREMENTS: dict[Family, list[str]] = {
    "xgboost": ["xgboost-cpu", "numpy"],
    "lightgbm": ["lightgbm", "numpy"],
}


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """Who put which version behind an alias, when, in place of which, and why."""

    who: str
    when: str
    name: str
    alias: str
    before: str | None
    after: str
    metrics: dict[str, float]
    why: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A registered version. metrics and params are those of its run."""

    name: str
    version: str
    aliases: list[str]
    created: str
    metrics: dict[str, float]
    params: dict[str, str]


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
        return _tag(mlflow, registered_name(family), str(info.registered_model_version))


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


def _tag(mlflow: Any, name: str, version: str) -> str:
    """Note the hash of every file as the registry now holds it."""
    client = mlflow.MlflowClient()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{name}/{version}"))
    client.set_model_version_tag(name, version, FILES_TAG, msgspec.json.encode(hashes_of(folder)).decode())
    client.set_model_version_tag(name, version, FEATURES_TAG, features_hash())
    return version


def hashes_of(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path in it; without what MLflow writes beside a
    download."""
    files = sorted(file for file in folder.rglob("*") if not file.is_dir() and file.name != DOWNLOAD_NOTE)
    return {str(file.relative_to(folder)): sha256_of(file) for file in files}


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

    What was there before keeps the alias `previous`, for one step back. The model's tags keep the record.

    Raises:
        Misuse: an unknown stage or version, or a model without versions.
        RegistryUnavailable: MLflow cannot be reached.
    """
    alias = ALIAS_OF_STAGE.get(stage)
    if alias is None:
        raise Misuse(f"there is no stage {stage}", next_step=f"use {' or '.join(ALIAS_OF_STAGE)}")
    return promote(name, alias, version, who=who, why=why, now=now).after


def promote(
    name: str,
    alias: str,
    version: str | None = None,
    *,
    who: str | None = None,
    why: str = "",
    now: datetime | None = None,
) -> Promotion:
    """As `promote_model_to_stage`, by alias; answers the record that it keeps.

    Raises:
        Misuse: an unknown version, or a model without versions.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        after = _existing(mlflow, name, version) if version else _newest(client, name)
        before = client.get_registered_model(name).aliases.get(alias)
        if before is not None and str(before) != after:
            client.set_registered_model_alias(name, PREVIOUS, before)
        client.set_registered_model_alias(name, alias, after)
        made = Promotion(
            who=who or getpass.getuser(),
            when=(now or datetime.now(UTC)).strftime(MOMENT),
            name=name,
            alias=alias,
            before=None if before is None else str(before),
            after=after,
            metrics=_metrics(client, name, after),
            why=why,
        )
        client.set_registered_model_tag(name, PROMOTION_TAG + made.when, msgspec.json.encode(made).decode())
        return made


def roll_back(
    name: str, alias: str, *, who: str | None = None, why: str = "", now: datetime | None = None
) -> Promotion:
    """Put back behind an alias what stood there before; what stands there now becomes `previous`.

    Raises:
        Misuse: nothing stood there before.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        found = mlflow.MlflowClient().get_registered_model(name).aliases.get(PREVIOUS)
    if found is None:
        raise Misuse(f"no version of {name} stood behind {alias} before", next_step="fraudml models list")
    return promote(name, alias, str(found), who=who, why=why or "rolled back", now=now)


def _metrics(client: Any, name: str, version: str) -> dict[str, float]:
    run_id = client.get_model_version(name, version).run_id
    return dict(client.get_run(run_id).data.metrics) if run_id else {}


def _existing(mlflow: Any, name: str, version: str) -> str:
    try:
        return str(mlflow.MlflowClient().get_model_version(name, version).version)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise Misuse(f"{name} has no version {version}", next_step="fraudml models list") from None


def _newest(client: Any, name: str) -> str:
    versions = client.search_model_versions(f"name='{name}'")
    if not versions:
        raise Misuse(f"{name} has no version", next_step="fraudml train FILE --map MAP ... --register")
    return str(max(int(each.version) for each in versions))


def versions_of(name: str) -> list[Version]:
    """All versions of a registered model, newest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        found = client.search_model_versions(f"name='{name}'")
        if not found:
            return []
        aliases: dict[str, list[str]] = {}
        for alias, version in client.get_registered_model(name).aliases.items():
            aliases.setdefault(str(version), []).append(alias)
        return [
            _version(client, each, sorted(aliases.get(str(each.version), [])))
            for each in sorted(found, key=lambda each: -int(each.version))
        ]


def _version(client: Any, found: Any, aliases: list[str]) -> Version:
    run = client.get_run(found.run_id).data if found.run_id else None
    return Version(
        name=found.name,
        version=str(found.version),
        aliases=aliases,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(timespec="seconds"),
        metrics=dict(run.metrics) if run else {},
        params=dict(run.params) if run else {},
    )


def promotions_of(name: str) -> list[Promotion]:
    """Who was what when, oldest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        tags = mlflow.MlflowClient().get_registered_model(name).tags
    return [
        msgspec.json.decode(text, type=Promotion)
        for tag, text in sorted(tags.items())
        if tag.startswith(PROMOTION_TAG)
    ]
