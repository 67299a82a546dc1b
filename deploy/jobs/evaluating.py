"""Evaluate a recipe on a file of transactions."""

from pathlib import Path
from typing import Any

from deploy.stack.report import Report
from load.column_map import read_column_map
from load.labelled import labelled_of
from load.transactions_file import read_transactions
from models.costs import Costs
from models.evaluation import judge, summary
from models.folds import Fold, Labelled, folds
from models.recipes import Recipe


def read_labelled(file: Path, column_map: str, report: Report) -> Labelled:
    """A file's transactions with their features.

    Raises:
        BadFile: the file or the map do not do, or there are no labels.
    """
    report.waiting(f"reading {file}")
    table = read_transactions(file, read_column_map(column_map))
    report.waiting(f"computing the features of {len(table):,} transactions")
    return labelled_of(table)


def evaluate_file(
    file: Path,
    column_map: str,
    fold: Fold,
    recipe: Recipe,
    *,
    count: int,
    step_days: int,
    seed: int,
    report: Report,
) -> dict[str, Any]:
    """All folds, their mean and their standard deviation.

    Raises:
        BadFile: the file, the map or the days do not do.
    """
    data = read_labelled(file, column_map, report)
    judged = []
    with report.counting("folds", count) as progress:
        for each in folds(fold, count, step_days):
            judged.append(judge(data, each, recipe, Costs(), seed=seed))
            progress(1)
    return summary(judged)
