"""The registry's models, as an operator sees and changes them; every change is in the ledger's audit
table."""

import os
from typing import Any

import msgspec

from deploy.jobs.connections import rules_of
from deploy.stack.report import Report
from models.ab_test import ABConfig, create_default_ab_config
from models.boosters import FAMILIES, registered_name
from models.errors import FraudError, Misuse
from models.manifest import read_manifest
from models.model_folder import ModelFolder
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
    settings: Settings,
    name: str,
    alias: str | None,
    version: str | None,
    *,
    who: str | None,
    why: str,
    report: Report,
) -> dict[str, Any]:
    """Put a version behind an alias, by default that of its variant; workers take it within seconds.

    Raises:
        Misuse: no such model or version.
        Unavailable: MLflow or Postgres cannot be reached.
    """
    _reach(settings)
    from models.promotions import promote

    with rules_of(settings) as rules:
        # The ledger must be there to note it.
        chosen = _alias(rules.in_force().split, _known(name), alias, report)
        return _noted(rules, promote(name, chosen, version, who=who, why=why))


def roll_back_model(
    settings: Settings, name: str, alias: str | None, *, who: str | None, why: str, report: Report
) -> dict[str, Any]:
    """Put back what stood before behind an alias, by default that of the model's variant.

    Raises:
        Misuse: no such model, or nothing stood there before.
        Unavailable: MLflow or Postgres cannot be reached.
    """
    _reach(settings)
    from models.promotions import roll_back

    with rules_of(settings) as rules:
        chosen = _alias(rules.in_force().split, _known(name), alias, report)
        return _noted(rules, roll_back(name, chosen, who=who, why=why))


def verified_model(settings: Settings, name: str, alias: str | None, report: Report) -> dict[str, Any]:
    """Fetch what stands behind an alias, by default that of the model's variant, and let it prove itself.

    A worker does the same before it takes it.

    Raises:
        ModelRejected: what is wrong with it.
        RegistryUnavailable: MLflow cannot be reached.
    """
    folder = ModelFolder(settings.home / "models")
    chosen = _alias(_split(settings, report), _known(name), alias, report)
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


def note_promotion(rules: PostgresRules, made: Any) -> None:
    """Write a promotion into the ledger's audit table.

    Raises:
        LedgerUnavailable: Postgres cannot be reached.
    """
    what = f"{made.name}@{made.alias}"
    rules.note("promote", what, made.before, made.after, actor=made.who, why=made.why, metrics=made.metrics)


def _alias(split: ABConfig, name: str, given: str | None, report: Report) -> str:
    """The given one, or the one that the split has the model decide by.

    Raises:
        Misuse: none was given, and the split has several.
    """
    used = _aliases(split, name)
    if given is None and len(used) > 1:
        raise Misuse(
            f"the split {split.version} uses {name} as {' and as '.join(used)}",
            why="no alias was given",
            next_step="give one with --alias",
        )
    chosen = given or (used or _aliases(create_default_ab_config(), name))[0]
    if chosen not in used:
        report.note(f"no variant of the split {split.version} uses {name} as {chosen}: so it decides nothing")
    return str(chosen)


def _aliases(split: ABConfig, name: str) -> list[str]:
    return sorted({variant.alias for variant in split.variants if variant.model_name == name})


def _split(settings: Settings, report: Report) -> ABConfig:
    """The split in force. Looking at a model needs no ledger, so without one it is the default split."""
    try:
        with rules_of(settings) as rules:
            return rules.in_force().split
    except FraudError as error:
        report.note(f"the split in force is not known ({error.what}): going by the default one")
        return create_default_ab_config()


def _noted(rules: PostgresRules, made: Any) -> dict[str, Any]:
    note_promotion(rules, made)
    return msgspec.to_builtins(made)  # type: ignore[no-any-return]


def _known(name: str) -> str:
    if name not in NAMES:
        raise Misuse(f"there is no model {name}", next_step=f"use {' or '.join(NAMES)}")
    return name


def _reach(settings: Settings) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
