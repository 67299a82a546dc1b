"""Train a model on a file of transactions, and register it where asked."""

import os
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from deploy.stack.report import Report
from load.column_map import read_column_map
from load.columns import DAY_MS, Transactions, midnight_ms
from load.past import past_of
from load.transactions_file import read_transactions
from models.ab_test import create_default_ab_config
from models.boosters import FAMILY_TITLES, Family, registered_name
from models.errors import BadFile, Misuse
from models.history import Retention
from models.train import fit
from models.training_set import past_features
from streams.settings import Settings

STAGE_OF_ALIAS = {"champion": "Production", "challenger": "Staging"}


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted booster and the rows it saw."""

    family: Family
    booster: Any
    features: np.ndarray[Any, np.dtype[np.float32]]
    fraud: np.ndarray[Any, np.dtype[np.int8]]
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
    file: Path, column_map: str, start: date, end: date, family: Family, *, seed: int, report: Report
) -> Trained:
    """Train on the days from `start` to `end`, both included; what comes before fills the windows.

    Raises:
        BadFile: the file, the map or the days do not do.
    """
    if end < start:
        raise BadFile(f"--end {end} comes before --start {start}", next_step="exchange them")
    report.waiting(f"reading {file}")
    table = read_transactions(file, read_column_map(column_map), end=end)
    return train_table(table, start, end, family, seed=seed, report=report)


def train_table(
    table: Transactions, start: date, end: date, family: Family, *, seed: int, report: Report
) -> Trained:
    """As `train_file`, for a table in memory, in event-time order."""
    if table.label is None:
        raise BadFile("these transactions have no labels", next_step="name the label's column in the map")
    began = time.perf_counter()
    report.waiting(f"computing the features of {len(table):,} transactions")
    features = np.concatenate(
        [part.astype(np.float32) for part in past_features(past_of(table), Retention())]
    )
    rows = (table.event_time_ms >= midnight_ms(start)) & (table.event_time_ms < midnight_ms(end) + DAY_MS)
    report.waiting(f"training {family} on {int(rows.sum()):,} transactions")
    fraud = table.label[rows]
    booster = fit(family, features[rows], fraud, seed=seed)
    return Trained(family, booster, features[rows], fraud, start, end, time.perf_counter() - began)


def register(trained: Trained, settings: Settings) -> dict[str, str]:
    """Log the model to MLflow and put it behind the alias of its variant in the default split.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    from models.mlflow_registry import log_model_to_mlflow, promote_model_to_stage

    meta = {"trained": {"start": str(trained.start), "end": str(trained.end)}}
    title = FAMILY_TITLES[trained.family]
    version = log_model_to_mlflow(trained.booster, title, trained.features, trained.fraud, meta)
    name = registered_name(trained.family)
    variants = create_default_ab_config().variants
    alias = next(variant.alias for variant in variants if variant.model_name == name)
    promote_model_to_stage(name, STAGE_OF_ALIAS[alias], version)
    return {"name": name, "version": version, "alias": alias}
