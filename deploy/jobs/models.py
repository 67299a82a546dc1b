"""The registry's models, as an operator sees and changes them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from deploy.jobs.connections import rules_of
from deploy.stack.report import Report
from models import promotions
from models.ab_test import ABConfig, create_default_ab_config
from models.errors import FraudError
from models.manifest import read_manifest
from models.model_folder import ModelFolder
from streams.model_desk import ModelDesk, alias_of, known_model
from streams.registry import fetch_apart
from streams.settings import Settings


def listed_models(settings: Settings) -> list[dict[str, Any]]:
    """Every version of both models, newest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with _desk(settings) as desk:
        return [msgspec.to_builtins(version) for model in desk.shown() for version in model.versions]


def shown_model(settings: Settings, name: str) -> dict[str, Any]:
    """The versions of one model, and who promoted what when and why.

    Raises:
        NotFound: there is no such model.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with _desk(settings) as desk:
        return msgspec.to_builtins(desk.shown([known_model(name)])[0])  # type: ignore[no-any-return]


def promote_model(
    settings: Settings,
    name: str,
    alias: str | None,
    version: str | None,
    *,
    who: str | None,
    why: str,
    report: Report,
) -> dict[str, Any]:
    """As `ModelDesk.promote`."""
    with _desk(settings) as desk:
        made = desk.promote(name, alias, version, who=who, why=why, say=report.note)
    return msgspec.to_builtins(made)  # type: ignore[no-any-return]


def roll_back_model(
    settings: Settings, name: str, alias: str | None, *, who: str | None, why: str, report: Report
) -> dict[str, Any]:
    """As `ModelDesk.roll_back`."""
    with _desk(settings) as desk:
        made = desk.roll_back(name, alias, who=who, why=why, say=report.note)
    return msgspec.to_builtins(made)  # type: ignore[no-any-return]


def verified_model(settings: Settings, name: str, alias: str | None, report: Report) -> dict[str, Any]:
    """Fetch what stands behind an alias, by default that of the model's variant, and let it prove itself.

    A worker does the same before it takes it.

    Raises:
        ModelRejected: what is wrong with it.
        RegistryUnavailable: MLflow cannot be reached.
    """
    folder = ModelFolder(settings.home / "models")
    chosen = alias_of(_split(settings, report), known_model(name), alias, report.note)
    with folder.turn(name, settings.registry_timeout_s):
        version = fetch_apart(settings, folder, name, chosen)
    manifest = read_manifest(folder.folder(name, version))
    return {
        "name": name,
        "version": version,
        "sha256": manifest.sha256,
        "features_hash": manifest.claims.features_hash,
        "rows": manifest.claims.rows,
        "frauds": manifest.claims.frauds,
        "trained": manifest.claims.trained,
        "calibration": msgspec.to_builtins(manifest.claims.calibration),
    }


def _split(settings: Settings, report: Report) -> ABConfig:
    """The split in force. Looking at a model needs no ledger, so without one it is the default split."""
    try:
        with rules_of(settings) as rules:
            return rules.in_force().split
    except FraudError as error:
        report.note(f"the split in force is not known ({error.what}): going by the default one")
        return create_default_ab_config()


@contextmanager
def _desk(settings: Settings) -> Iterator[ModelDesk]:
    """It asks MLflow in this process."""
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    with rules_of(settings) as rules:
        yield ModelDesk(promotions, rules)
