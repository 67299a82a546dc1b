"""The registry's models, as an operator sees and changes them; every change is in the ledger's audit
table."""

import os
from typing import Any

import msgspec

from deploy.jobs.connections import rules_of
from models.boosters import FAMILIES, registered_name
from models.errors import Misuse
from models.manifest import ModelFolder, read_manifest
from streams.ledger.rules import PostgresRules
from streams.registry import fetch_apart
from streams.settings import Settings

NAMES = tuple(registered_name(family) for family in FAMILIES)


def listed_models(settings: Settings) -> list[dict[str, Any]]:
    """Every version of both models, newest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    _reach(settings)
    from models.promotions import versions_of

    return [msgspec.to_builtins(version) for name in NAMES for version in versions_of(name)]


def shown_model(settings: Settings, name: str) -> dict[str, Any]:
    """The versions of one model, and who promoted what when and why.

    Raises:
        Misuse: there is no such model.
    """
    _reach(settings)
    from models.promotions import promotions_of, versions_of

    found = versions_of(_known(name))
    promotions = promotions_of(name) if found else []
    return msgspec.to_builtins({"name": name, "versions": found, "promotions": promotions})  # type: ignore[no-any-return]


def promote_model(
    settings: Settings, name: str, alias: str, version: str | None, *, who: str | None, why: str
) -> dict[str, Any]:
    """Put a version behind an alias; workers take it within seconds.

    Raises:
        Misuse: no such model or version.
        Unavailable: MLflow or Postgres cannot be reached.
    """
    _reach(settings)
    from models.promotions import promote

    with rules_of(settings) as rules:
        rules.in_force()  # the ledger must be there to note it
        return _noted(rules, promote(_known(name), alias, version, who=who, why=why))


def roll_back_model(
    settings: Settings, name: str, alias: str, *, who: str | None, why: str
) -> dict[str, Any]:
    """Put back what stood behind an alias before.

    Raises:
        Misuse: no such model, or nothing stood there before.
        Unavailable: MLflow or Postgres cannot be reached.
    """
    _reach(settings)
    from models.promotions import roll_back

    with rules_of(settings) as rules:
        rules.in_force()
        return _noted(rules, roll_back(_known(name), alias, who=who, why=why))


def verified_model(settings: Settings, name: str, alias: str) -> dict[str, Any]:
    """Fetch what stands behind an alias and let it prove itself, as a worker does before it takes it.

    Raises:
        ModelRejected: what is wrong with it.
        RegistryUnavailable: MLflow cannot be reached.
    """
    folder = ModelFolder(settings.home / "models")
    version = fetch_apart(settings, folder, _known(name), alias)
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


def _noted(rules: PostgresRules, made: Any) -> dict[str, Any]:
    what = f"{made.name}@{made.alias}"
    rules.note("promote", what, made.before, made.after, actor=made.who, why=made.why, metrics=made.metrics)
    return msgspec.to_builtins(made)  # type: ignore[no-any-return]


def _known(name: str) -> str:
    if name not in NAMES:
        raise Misuse(f"there is no model {name}", next_step=f"use {' or '.join(NAMES)}")
    return name


def _reach(settings: Settings) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
