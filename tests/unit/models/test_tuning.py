"""A search on small synthetic days: the default comes first, and a seed says all that follows."""

from dataclasses import replace

import numpy as np
import pytest

from models.boosters import FAMILIES, Family, trees_of
from models.costs import Costs
from models.errors import BadFile, Misuse
from models.evaluation import judge
from models.folds import Labelled, folds
from models.ranking import average_precision
from models.recipes import Recipe, recipe_of
from models.train import fit
from models.tuning import METRICS, Days, Metric, Ranked, Search, Trial, search_of
from tests.unit.models.test_evaluation import FIRST, WEEK, days

FOLDS = list(folds(WEEK, 2, 7))


def searched(
    family: Family = "xgboost", *, trials: int = 3, seed: int = 1, metric: str = "average_precision"
) -> list[Trial]:
    return list(search(family, trials=trials, seed=seed, metric=metric).run())


def search(
    family: Family = "xgboost",
    data: Labelled | None = None,
    *,
    trials: int = 3,
    seed: int = 1,
    metric: str = "average_precision",
) -> Search:
    return search_of(data or days(), FOLDS, family, metric=metric, trials=trials, seed=seed)


@pytest.fixture(scope="module", params=FAMILIES)
def trials(request: pytest.FixtureRequest) -> list[Trial]:
    return searched(request.param)


def test_the_first_trial_is_the_default_recipe(trials: list[Trial]) -> None:
    family = trials[0].recipe.family
    assert [trial.number for trial in trials] == [1, 2, 3]
    assert trials[0].recipe == recipe_of(family)
    assert all(trial.recipe != recipe_of(family) for trial in trials[1:])


def test_a_recipe_ranks_in_a_trial_as_it_does_when_it_is_judged(trials: list[Trial]) -> None:
    """Calibration keeps the order; where it makes scores equal that were not, a figure moves a little."""
    judged = judge(days(), FOLDS[1], trials[0].recipe, Costs(), seed=1)
    ranked = trials[0].folds[1]
    assert ranked.test_start == judged.test_start
    for metric in METRICS:
        assert getattr(ranked, metric) == pytest.approx(getattr(judged, metric), abs=1e-9)


def test_a_recipe_that_was_found_is_the_one_that_was_measured(trials: list[Trial]) -> None:
    data, found = days(), trials[2]
    rows, test = FOLDS[0].training_rows(data), FOLDS[0].test_rows(data)
    family = found.recipe.family
    booster = fit(family, data.features[rows], data.fraud[rows], seed=1, recipe=found.recipe)
    score = trees_of(booster, family).margins(data.features[test])
    assert average_precision(data.fraud[test], score) == found.folds[0].average_precision


def test_the_figures_of_a_trial_are_means_over_its_folds(trials: list[Trial]) -> None:
    for trial in trials:
        assert len(trial.folds) == 2
        for metric in METRICS:
            assert trial.mean[metric] == pytest.approx(sum(getattr(each, metric) for each in trial.folds) / 2)


@pytest.mark.slow
def test_the_same_seed_finds_the_same(trials: list[Trial]) -> None:
    assert searched(trials[0].recipe.family) == trials


def test_another_seed_tries_other_recipes(trials: list[Trial]) -> None:
    other = searched(trials[0].recipe.family, trials=2, seed=2)
    assert other[0].recipe == trials[0].recipe
    assert other[1].recipe != trials[1].recipe


class Known(Search):
    """A search where the best learning rate is known: 0.05."""

    def rank(self, days: Days, recipe: Recipe) -> Ranked:
        figure = -abs(np.log(recipe.parameters["eta"] / 0.05))
        return Ranked(
            test_start=days.test_start, average_precision=figure, auc_roc=0.0, card_precision_at_100=0.0
        )


def test_later_trials_gather_where_earlier_ones_did_well() -> None:
    """The first ten are drawn."""
    known = Known("xgboost", days(), search().folds, "average_precision", trials=60, seed=1)
    found = [trial.mean["average_precision"] for trial in known.run()]
    assert np.mean(found[-20:]) > np.mean(found[:10]) + 0.3


def trial(number: int, **mean: float) -> Trial:
    figures = {"test_start": "2018-08-08", **mean}
    ranked = Ranked(**figures)  # type: ignore[arg-type]
    return Trial(number=number, recipe=recipe_of("xgboost"), mean=mean, folds=[ranked])


@pytest.mark.parametrize(
    ("metric", "number"), [("average_precision", 1), ("auc_roc", 2), ("card_precision_at_100", 0)]
)
def test_the_best_is_the_first_by_the_metric_that_was_asked_for(metric: Metric, number: int) -> None:
    found = [
        trial(0, average_precision=0.1, auc_roc=0.7, card_precision_at_100=0.3),
        trial(1, average_precision=0.2, auc_roc=0.8, card_precision_at_100=0.2),
        trial(2, average_precision=0.1, auc_roc=0.9, card_precision_at_100=0.3),
    ]
    assert search(metric=metric).best(found).number == number


@pytest.mark.parametrize(
    ("first_day", "what"), [(7, "of both kinds"), (21, "from 2018-08-15 have .* one kind")]
)
def test_days_of_one_kind_are_refused_before_anything_is_trained(first_day: int, what: str) -> None:
    data = days()
    blank = (data.day >= FIRST + first_day) & (data.day < FIRST + first_day + 7)
    honest = replace(data, fraud=np.where(blank, 0, data.fraud).astype(np.int8))
    with pytest.raises(BadFile, match=what):
        search(data=honest)


def test_days_without_transactions_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(BadFile, match="2018-08-24 has no transactions to test on"):
        search_of(days(), list(folds(WEEK, 4, 7)), "xgboost", metric="auc_roc", trials=1, seed=1)


def test_a_metric_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        Misuse, match=r"no metric f1 to search by\. Next: use average_precision, auc_roc, card"
    ):
        search(metric="f1")


@pytest.mark.parametrize(("trials", "folds"), [(0, FOLDS), (1, [])])
def test_a_search_of_nothing_is_refused(trials: int, folds: list[object]) -> None:
    with pytest.raises(Misuse, match="a search wants a trial and a fold at least"):
        search_of(days(), folds, "xgboost", metric="auc_roc", trials=trials, seed=1)  # type: ignore[arg-type]
