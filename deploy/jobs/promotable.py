"""Versions of a model that a benchmark or a drill may promote: good ones, and ones that are damaged."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from deploy.jobs.training import Trained, register, train_table
from deploy.stack.report import Report
from load.chaos.arena import Versions
from load.columns import Transactions
from models.boosters import FAMILIES, FAMILY_TITLES, Family, registered_name
from models.recipes import recipe_of
from streams.settings import Settings

Damage = Callable[[bytes], bytes]
FAMILY: Family = "xgboost"


def flipped(content: bytes) -> bytes:
    """One bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def register_promotable(
    table: Transactions,
    first: date,
    last: date,
    settings: Settings,
    home: Path,
    damages: tuple[Damage, ...],
    report: Report,
) -> Versions:
    """Champion and challenger, in force; a second champion, and damaged ones that nobody has promoted.

    The second is the same booster under another calibration, so that its scores tell the two apart.
    """
    trained: dict[Family, Trained] = {}
    for family in FAMILIES:
        trained[family] = train_table(table, first, last, recipe_of(family), seed=1, report=report)
        registered = register(trained[family], settings)
        if family == FAMILY:
            champion = registered
    second = _log(trained[FAMILY])
    damaged = tuple(_damaged(trained[FAMILY], damage, home) for damage in damages)
    good = (champion["version"], second)
    return Versions(registered_name(FAMILY), champion["alias"], good, damaged)


def _log(found: Trained) -> str:
    from models.mlflow_registry import log_model_to_mlflow

    calibration = found.learned.calibration
    return log_model_to_mlflow(
        found.learned.booster,
        FAMILY_TITLES[FAMILY],
        found.features,
        found.fraud,
        {"calibration": {"slope": calibration.slope, "intercept": calibration.intercept - 0.1}},
    )


def _damaged(found: Trained, damage: Damage, home: Path) -> str:
    version = _log(found)
    newest = max(home.rglob("model.ubj"), key=lambda file: file.stat().st_mtime_ns)
    newest.write_bytes(damage(newest.read_bytes()))
    return version
