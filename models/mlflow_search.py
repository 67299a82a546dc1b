"""A search as MLflow keeps it: a run for the whole, and beneath it one for each trial, as soon as it is done.

What was interrupted is kept as well: its run is closed as killed, with the best of the trials until then.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.errors import RegistryUnavailable
from models.mlflow_client import quiet_mlflow
from models.tuning import METRICS, Search, Trial

EXPERIMENT = "fraudml-tune"
PARENT_TAG = "mlflow.parentRunId"
RECIPE_TAG = "fraudml.recipe"


def find_experiment() -> str:
    """The id of the experiment, which is made where there is none: so the registry can be written to.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        return str(mlflow.set_experiment(EXPERIMENT).experiment_id)


@dataclass(slots=True)
class SearchRun:
    """The run of a search that is under way."""

    search: Search
    experiment_id: str
    run_id: str
    trials: list[Trial] = field(default_factory=list)

    def keep(self, trial: Trial) -> None:
        """A run of its own for a trial.

        Raises:
            RegistryUnavailable: MLflow cannot be reached.
        """
        self.trials.append(trial)
        with quiet_mlflow() as mlflow:
            client = mlflow.MlflowClient()
            name, tags = f"trial {trial.number}", {PARENT_TAG: self.run_id}
            run_id = client.create_run(self.experiment_id, run_name=name, tags=tags).info.run_id
            _log(mlflow, run_id, _parameters(trial), _figures(trial))
            client.set_terminated(run_id)

    def close(self, status: str) -> None:
        with quiet_mlflow() as mlflow:
            client = mlflow.MlflowClient()
            if self.trials:
                best = self.search.best(self.trials)
                figures = _figures(best) | {"best_trial": best.number, "trials_done": len(self.trials)}
                default = {f"default_{metric}": self.trials[0].mean[metric] for metric in METRICS}
                _log(mlflow, self.run_id, _parameters(best), figures | default)
                client.set_tag(self.run_id, RECIPE_TAG, msgspec.json.encode(best.recipe).decode())
            client.set_terminated(self.run_id, status)


@contextmanager
def search_run(search: Search, experiment_id: str, words: Mapping[str, Any]) -> Iterator[SearchRun]:
    """A run that is closed with the best of the trials it was given, however the search ends.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        run = mlflow.MlflowClient().create_run(experiment_id, run_name=f"{search.family} {search.metric}")
        _log(mlflow, run.info.run_id, words, {})
    kept = SearchRun(search, experiment_id, run.info.run_id)
    try:
        yield kept
    except BaseException as error:
        # What ended the search matters more than a registry that cannot be told of it.
        with suppress(RegistryUnavailable):
            kept.close("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    kept.close("FINISHED")


def _parameters(trial: Trial) -> dict[str, Any]:
    return {"trees": trial.recipe.trees, **trial.recipe.parameters}


def _figures(trial: Trial) -> dict[str, float]:
    """Each metric's mean, and its figure in each fold, by the day its test begins."""
    each = {
        f"{metric}/{fold.test_start}": getattr(fold, metric) for metric in METRICS for fold in trial.folds
    }
    return {**trial.mean, **each}


def _log(mlflow: Any, run_id: str, words: Mapping[str, Any], figures: Mapping[str, float]) -> None:
    mlflow.log_params(dict(words), run_id=run_id)
    mlflow.log_metrics({name: float(value) for name, value in figures.items()}, run_id=run_id)
