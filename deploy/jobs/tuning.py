"""Search for a recipe on a file of transactions, and keep the search in MLflow."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from deploy.jobs.asking_first import ask_registry
from deploy.jobs.evaluating import read_labelled
from deploy.stack.report import Report
from models.boosters import Family
from models.evaluation import day_name
from models.folds import Fold, Labelled
from models.manifest import sha256_of
from models.recipes import source_of
from models.tuning import Search, Trial, search_of
from streams.settings import Settings

if TYPE_CHECKING:
    from models.mlflow_search import SearchRun


def reach_mlflow(settings: Settings) -> str:
    """The experiment that searches are kept in: asked for before the minutes that a search takes.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    from models.mlflow_search import find_experiment

    return ask_registry(settings, find_experiment, "search with --no-log")


def tune_file(
    file: Path,
    column_map: str,
    folds: Sequence[Fold],
    family: Family,
    *,
    metric: str,
    trials: int,
    seed: int,
    experiment_id: str | None,
    report: Report,
) -> dict[str, Any]:
    """The default recipe and the best one, with their figures; kept in MLflow where an experiment is given.

    Raises:
        BadFile: the file, the map or the days do not do.
        Misuse: no such metric, no trial, or no fold.
        RegistryUnavailable: MLflow cannot be reached.
    """
    data = read_labelled(file, column_map, report)
    search = search_of(data, folds, family, metric=metric, trials=trials, seed=seed)
    told = _told(file, data, folds, search)
    found: list[Trial] = []
    with (
        _best_is_told(search, found, report),
        _kept(search, experiment_id, told) as run,
        report.counting("trials", trials) as progress,
    ):
        for trial in search.run():
            found.append(trial)
            if run:
                run.keep(trial)
            progress(1)
    default, best = (msgspec.to_builtins(each) for each in (found[0], search.best(found)))
    return {**told, "mlflow_run": run.run_id if run else None, "default": default, "best": best}


def _told(file: Path, data: Labelled, folds: Sequence[Fold], search: Search) -> dict[str, Any]:
    """What was searched, and on what."""
    first = folds[0]
    return {
        "model": search.family,
        "metric": search.metric,
        "trials": search.trials,
        "seed": search.seed,
        "file": file.name,
        "file_sha256": sha256_of(file),
        "rows": len(data),
        "frauds": int(data.fraud.sum()),
        "train_starts": [day_name(fold.first_day) for fold in folds],
        "train_days": first.train_days,
        "delay_days": first.delay_days,
        "test_days": first.test_days,
    }


def _kept(
    search: Search, experiment_id: str | None, told: Mapping[str, Any]
) -> AbstractContextManager["SearchRun | None"]:
    if experiment_id is None:
        return nullcontext()
    from models.mlflow_search import search_run

    return search_run(search, experiment_id, told)


@contextmanager
def _best_is_told(search: Search, found: Sequence[Trial], report: Report) -> Iterator[None]:
    """A search that is ended early, by whoever waits or by a failure, says what it has."""
    try:
        yield
    except BaseException:
        if found:
            report.note(_so_far(search, found))
        raise


def _so_far(search: Search, found: Sequence[Trial]) -> str:
    best = search.best(found)
    which = f"trial {best.number}" if best.number > 1 else "the default recipe"
    figure = f"a mean {search.metric} of {best.mean[search.metric]:.3f}"
    ended = (
        f"ended after {len(found)} of {search.trials} trials; the best until then is {which}, with {figure}"
    )
    return f"{ended}\n{source_of(best.recipe)}" if best.number > 1 else ended
