"""Policies and splits, as an operator makes them, looks at them and puts them in force."""

import getpass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from deploy.jobs.connections import rules_of
from deploy.jobs.evaluating import read_labelled
from deploy.stack.report import Report
from models.ab_test import ABConfig
from models.costs import Costs, fit_policy
from models.errors import BadFile
from models.folds import Fold
from models.policy import DECLINE, REVIEW, Policy
from models.recipes import Recipe
from models.train import learn
from streams.ledger.rules import Kind
from streams.settings import Settings


def read_costs(file: Path | None) -> Costs:
    """Declared costs, from a JSON file.

    Raises:
        BadFile: the file is not there, or not what `Costs` says.
    """
    if file is None:
        return Costs()
    try:
        return msgspec.json.decode(file.read_bytes(), type=Costs)
    except OSError as error:
        raise BadFile(f"{file} cannot be read", why=str(error.strerror)) from None
    except msgspec.DecodeError as error:
        fields = ", ".join(Costs.__struct_fields__)
        raise BadFile(f"{file} does not declare costs", why=str(error), next_step=f"use {fields}") from None


def fit_to_file(
    file: Path,
    column_map: str,
    fold: Fold,
    recipe: Recipe,
    costs: Costs,
    *,
    version: str,
    seed: int,
    report: Report,
) -> tuple[Policy, dict[str, Any]]:
    """The policy of least expected cost on a fold's training days, and what it would have done on them.

    Each day is scored by a model of the others, so that no score has seen its own label.

    Raises:
        BadFile: the file, the map or the days do not do.
    """
    data = read_labelled(file, column_map, report)
    report.waiting("training, and scoring each day by a model of the others")
    learned = learn(data, fold, recipe, seed=seed)
    amount_minor, fraud = data.amount_minor[learned.held_out], data.fraud[learned.held_out]
    probability = learned.held_out_probability
    policy = fit_policy(version, costs, probability, amount_minor, fold.train_days)
    verdict = policy.decide(probability, amount_minor)
    days = fold.train_days
    return policy, {
        "reviews_per_day": float((verdict == REVIEW).sum() / days),
        "declines_per_day": float((verdict == DECLINE).sum() / days),
        "frauds_flagged": float(fraud[verdict > 0].sum() / max(1, fraud.sum())),
        "cost_per_thousand_minor": costs.spent_minor(verdict, fraud, amount_minor) * 1000 / len(fraud),
        "all_approved_per_thousand_minor": costs.spent_minor(np.zeros_like(verdict), fraud, amount_minor)
        * 1000
        / len(fraud),
    }


def reach_rules(settings: Settings) -> None:
    """Before minutes of work whose result goes there.

    Raises:
        LedgerUnavailable: Postgres cannot be reached.
    """
    with rules_of(settings) as rules:
        rules.in_force()


def kept(settings: Settings, kind: Kind, rule: Policy | ABConfig) -> None:
    """Keep a version, not in force yet.

    Raises:
        Misuse: the version names another one already.
    """
    with rules_of(settings) as rules:
        rules.keep(kind, rule)


def shown(settings: Settings, kind: Kind, version: str | None = None) -> dict[str, Any]:
    """As `PostgresRules.overview`.

    Raises:
        NotFound: there is no such version.
    """
    with rules_of(settings) as rules:
        return rules.overview(kind, version)


def activated(settings: Settings, kind: Kind, version: str, *, who: str | None, why: str) -> dict[str, Any]:
    """Put a version in force; workers take it within seconds.

    Raises:
        NotFound: there is no such version.
    """
    with rules_of(settings) as rules:
        before = rules.activate(kind, version, actor=who or getpass.getuser(), why=why)
    return {"before": before, "in_force": version}


def split_in_force(settings: Settings) -> ABConfig:
    with rules_of(settings) as rules:
        return rules.in_force().split
