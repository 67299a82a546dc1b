"""A search as MLflow keeps it, in a real store in a file: no server, no sockets."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import msgspec
import pytest

from models.errors import RegistryUnavailable
from models.mlflow_search import EXPERIMENT, find_experiment, search_run
from models.recipes import Recipe, recipe_of
from models.tuning import METRICS, Ranked, Search, Trial
from tests.unit.models.test_evaluation import days

# MLflow, and what it stands on, warn of themselves; what our modules are warned of stays an error.
pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")

SEARCH = Search("lightgbm", days(), [], "average_precision", trials=3, seed=1)
WORDS = {"seed": 1, "file_sha256": "ab" * 32, "train_starts": ["2018-06-20", "2018-06-27"]}


def trial(number: int, average_precision: float) -> Trial:
    default = recipe_of("lightgbm")
    folds = [
        Ranked(
            test_start=day,
            average_precision=average_precision + step,
            auc_roc=0.9,
            card_precision_at_100=0.3,
        )
        for day, step in (("2018-07-04", 0.1), ("2018-07-11", -0.1))
    ]
    mean = {"average_precision": average_precision, "auc_roc": 0.9, "card_precision_at_100": 0.3}
    recipe = Recipe("lightgbm", 100 + number, default.parameters | {"num_leaves": 6 + number})
    return Trial(number=number, recipe=recipe, mean=mean, folds=folds)


TRIALS = (trial(0, 0.5), trial(1, 0.7), trial(2, 0.6))


def kept(
    client: Any, trials: Sequence[Trial], ended_by: BaseException | None = None
) -> tuple[Any, list[Any]]:
    """The run of a search of these trials, and the runs beneath it in their order."""
    experiment_id = find_experiment()
    caught = pytest.raises(type(ended_by)) if ended_by else nullcontext()
    with caught, search_run(SEARCH, experiment_id, WORDS) as run:
        for each in trials:
            run.keep(each)
        if ended_by:
            raise ended_by
    beneath = client.search_runs([experiment_id], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    return client.get_run(run.run_id), sorted(beneath, key=lambda each: str(each.info.run_name))


@pytest.fixture(scope="module")
def whole(client: Any) -> tuple[Any, list[Any]]:
    return kept(client, TRIALS)


def test_a_search_is_a_run_with_what_was_searched_and_the_best_of_it(whole: tuple[Any, list[Any]]) -> None:
    run, _ = whole
    assert (run.info.run_name, run.info.status) == ("lightgbm average_precision", "FINISHED")
    assert (
        run.data.params.items()
        >= {
            "seed": "1",
            "file_sha256": "ab" * 32,
            "train_starts": "['2018-06-20', '2018-06-27']",
            "trees": "101",
            "num_leaves": "7",
            "objective": "binary",
        }.items()
    )
    assert (
        run.data.metrics.items()
        >= {
            "best_trial": 1,
            "trials_done": 3,
            "average_precision": 0.7,
            "default_average_precision": 0.5,
        }.items()
    )


def test_the_recipe_can_be_read_from_the_run(whole: tuple[Any, list[Any]]) -> None:
    tag = whole[0].data.tags["fraudml.recipe"]
    assert msgspec.json.decode(tag, type=Recipe) == TRIALS[1].recipe


def test_each_trial_is_a_run_beneath_it_with_its_parameters_and_figures(
    whole: tuple[Any, list[Any]],
) -> None:
    _, beneath = whole
    assert [(run.info.run_name, run.info.status) for run in beneath] == [
        (f"trial {number}", "FINISHED") for number in range(3)
    ]
    for run, each in zip(beneath, TRIALS, strict=True):
        wanted = {"trees": each.recipe.trees, **each.recipe.parameters}
        assert run.data.params == {name: str(value) for name, value in wanted.items()}
        figures = {f"{metric}/{fold.test_start}" for metric in METRICS for fold in each.folds}
        assert run.data.metrics.keys() == figures | set(METRICS)
        assert run.data.metrics["average_precision"] == each.mean["average_precision"]
        assert run.data.metrics["average_precision/2018-07-04"] == each.folds[0].average_precision


def test_searches_are_kept_in_an_experiment_of_their_own(whole: tuple[Any, list[Any]], client: Any) -> None:
    run, beneath = whole
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert {each.info.experiment_id for each in (run, *beneath)} == {experiment.experiment_id}


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "KILLED"), (ValueError("no such parameter"), "FAILED")]
)
def test_what_was_tried_until_a_search_is_ended_early_is_kept(
    client: Any, error: BaseException, status: str
) -> None:
    run, beneath = kept(client, TRIALS[:2], error)
    assert run.info.status == status
    assert (run.data.metrics["trials_done"], run.data.metrics["best_trial"]) == (2, 1)
    assert [each.info.run_name for each in beneath] == ["trial 0", "trial 1"]


def test_a_search_that_ends_before_its_first_trial_is_closed_too(client: Any) -> None:
    with pytest.raises(KeyboardInterrupt), search_run(SEARCH, find_experiment(), WORDS) as run:
        raise KeyboardInterrupt
    assert client.get_run(run.run_id).info.status == "KILLED"


def lose_the_run(ended_by: Exception | None = None) -> None:
    with search_run(SEARCH, find_experiment(), WORDS) as run:
        run.run_id = "0" * 32
        if ended_by:
            raise ended_by


def test_a_search_whose_run_cannot_be_closed_says_so(store: str) -> None:
    with pytest.raises(RegistryUnavailable):
        lose_the_run()


def test_what_ended_a_search_is_told_even_then(store: str) -> None:
    with pytest.raises(ValueError, match="what ended it"):
        lose_the_run(ValueError("what ended it"))
