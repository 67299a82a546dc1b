"""Evaluate a recipe on a file of transactions."""

from pathlib import Path
from typing import Any

from deploy.stack.report import Report
from load.column_map import read_column_map
from load.labelled import labelled_of
from load.transactions_file import read_transactions
from models.costs import Costs
from models.evaluation import judge, summary
from models.folds import Fold, folds
from models.recipes import Recipe


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
    report.waiting(f"reading {file}")
    table = read_transactions(file, read_column_map(column_map))
    report.waiting(f"computing the features of {len(table):,} transactions")
    data = labelled_of(table)
    judged = []
    with report.counting("folds", count) as progress:
        for each in folds(fold, count, step_days):
            judged.append(judge(data, each, recipe, Costs(), seed=seed))
            progress(1)
    return summary(judged)
