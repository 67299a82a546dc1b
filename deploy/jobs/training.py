"""Train a model on a file of transactions, and register it where asked."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import numpy as np

from deploy.jobs.asking_first import ask_registry
from deploy.jobs.connections import rules_of
from deploy.stack.report import Report
from load.column_map import read_column_map
from load.columns import DAY_MS, Transactions, codes_of
from load.labelled import labelled_of
from load.transactions_file import read_transactions
from models.ab_test import create_default_ab_config
from models.boosters import FAMILY_TITLES, Family, Matrix, registered_name
from models.errors import BadFile, FraudError, Misuse
from models.folds import LABEL_DELAY_DAYS, Fold, Labelled
from models.ranking import Labels
from models.recipes import Recipe
from models.train import Learned, learn
from streams.ledger.outcomes import outcomes_of
from streams.model_desk import note_promotion
from streams.settings import Settings

EPOCH = date(1970, 1, 1)
# Calibration leaves out cards that were known by then: as far back as that is looked for.
KNOWN_CARDS = timedelta(days=45)
SILENT = Report()


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted booster, its calibration, and the rows it saw."""

    family: Family
    learned: Learned
    features: Matrix
    fraud: Labels
    start: date
    end: date
    seconds: float

    def summary(self) -> dict[str, Any]:
        return {
            "model": self.family,
            "rows": len(self.fraud),
            "frauds": int(self.fraud.sum()),
            "start": str(self.start),
            "end": str(self.end),
            "seconds": round(self.seconds, 1),
        }


def family_of(name: str) -> Family:
    for family in FAMILY_TITLES:
        if family == name:
            return family
    raise Misuse(f"there is no model family {name}", next_step=f"use {' or '.join(FAMILY_TITLES)}")


def train_file(
    file: Path, column_map: str, start: date, end: date, recipe: Recipe, *, seed: int, report: Report
) -> Trained:
    """Train on the days from `start` to `end`, both included; what comes before fills the windows.

    Raises:
        BadFile: the file, the map or the days do not do.
    """
    _check_days(start, end)
    report.waiting(f"reading {file}")
    table = read_transactions(file, read_column_map(column_map), end=end)
    return train_table(table, start, end, recipe, seed=seed, report=report)


def _check_days(start: date, end: date) -> None:
    if end < start:
        raise BadFile(f"--end {end} comes before --start {start}", next_step="exchange them")


def train_table(
    table: Transactions, start: date, end: date, recipe: Recipe, *, seed: int, report: Report
) -> Trained:
    """As `train_file`, for a table in memory, in event-time order."""
    report.waiting(f"computing the features of {len(table):,} transactions")
    return train_labelled(labelled_of(table), start, end, recipe, seed=seed, report=report)


def train_ledger(
    settings: Settings, start: date, end: date, as_of: datetime, recipe: Recipe, *, seed: int, report: Report
) -> Trained:
    """As `train_file`, on what the ledger holds: features as they served, labels as known at a time.

    Raises:
        BadFile: the ledger has no labelled decisions of these days.
        LedgerUnavailable: Postgres cannot be reached.
    """
    _check_days(start, end)
    report.waiting("reading the ledger")
    since = datetime.combine(start, time_of_day.min, UTC) - KNOWN_CARDS
    until = datetime.combine(end, time_of_day.min, UTC) + timedelta(days=1)
    found = outcomes_of(settings.database_url, settings.scan_timeout_s, since, until, as_of)
    if not len(found):
        raise BadFile(
            f"the ledger has no decision from {start} to {end} "
            f"whose label was known by {as_of:%Y-%m-%d %H:%M}",
            why="late and degraded ones do not count",
            next_step="give another --as-of or other days, or send the labels first",
        )
    data = Labelled(
        features=found.features,
        fraud=found.fraud,
        customer=codes_of(found.customer_id).astype(np.int64),
        day=found.event_time_ms // DAY_MS,
        amount_minor=found.amount_minor,
    )
    return train_labelled(data, start, end, recipe, seed=seed, report=report)


def train_labelled(
    data: Labelled, start: date, end: date, recipe: Recipe, *, seed: int, report: Report
) -> Trained:
    began = time.perf_counter()
    days = (end - start).days + 1
    fold = Fold((start - EPOCH).days, days, LABEL_DELAY_DAYS, test_days=1)
    report.waiting(f"training {recipe.family} on {len(fold.training_rows(data)):,} transactions")
    learned = learn(data, fold, recipe, seed=seed)
    features, fraud = data.features[learned.rows], data.fraud[learned.rows]
    return Trained(recipe.family, learned, features, fraud, start, end, time.perf_counter() - began)


def check_registering(settings: Settings, *, who: str | None, why: str) -> None:
    """Whether a model could be registered: asked before the minutes that a training takes.

    Raises:
        Misuse: words that cannot be kept.
        RegistryUnavailable: MLflow cannot be reached.
    """
    from models.mlflow_registry import reach_registry
    from models.promotions import check_words

    check_words(who, why)
    ask_registry(settings, reach_registry, "train without --register")


def register(
    trained: Trained,
    settings: Settings,
    *,
    who: str | None = None,
    why: str = "",
    report: Report = SILENT,
) -> dict[str, str]:
    """Log the model to MLflow and put it in force: behind the alias of its variant in the default split.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    from models.mlflow_registry import log_model_to_mlflow
    from models.promotions import promote

    meta = {
        "trained": {"start": str(trained.start), "end": str(trained.end)},
        "calibration": trained.learned.calibration,
        "signing_key": settings.model_signing_key,
    }
    title = FAMILY_TITLES[trained.family]
    version = log_model_to_mlflow(trained.learned.booster, title, trained.features, trained.fraud, meta)
    name = registered_name(trained.family)
    variants = create_default_ab_config().variants
    alias = next(variant.alias for variant in variants if variant.model_name == name)
    made = promote(name, alias, version, who=who, why=why or "trained and registered")
    _note(made, settings, report)
    return {"name": name, "version": version, "alias": alias}


def _note(made: Any, settings: Settings, report: Report) -> None:
    """In the ledger too, where it can be reached: a registry need not have a ledger beside it."""
    try:
        with rules_of(settings) as rules:
            note_promotion(rules, made)
    except FraudError as error:
        report.note(
            f"the ledger's audit table does not have this promotion ({error}); "
            f"the registry's record does: fraudml models show {made.name}"
        )
