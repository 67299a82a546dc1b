"""A search for a better recipe, on folds that lie before the weeks it will be judged by.

Optuna proposes by a tree-structured Parzen estimator (Bergstra et al. 2011, Algorithms for Hyper-Parameter
Optimization); what it proposes is ranked as in `models.evaluation`, without calibration, which costs several
fits and does not change an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec
import numpy as np

from models.boosters import Family, trees_of
from models.errors import Misuse
from models.evaluation import TOP_CARDS, day_name, judging_rows
from models.folds import Fold, Labelled
from models.ranking import Codes, auc_roc, average_precision, card_precision
from models.recipes import Recipe, recipe_of
from models.search_space import SPACES, Span, default_point, recipe_at
from models.train import check_both_kinds, fit

Metric = Literal["average_precision", "auc_roc", "card_precision_at_100"]
METRICS: tuple[Metric, ...] = get_args(Metric)


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """How a recipe ranks the test days of one fold; a higher figure is better."""

    test_start: str
    average_precision: float
    auc_roc: float
    card_precision_at_100: float


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that was tried; number 1 is the family's default. mean: of each metric, over the folds."""

    number: int
    recipe: Recipe
    mean: dict[str, float]
    folds: list[Ranked]


@dataclass(frozen=True, slots=True)
class Days:
    """The rows of a fold, looked up once for all trials."""

    test_start: str
    train: Codes
    test: Codes


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched, on what, and for how long. seed: of what is proposed, and of every fit."""

    family: Family
    data: Labelled
    folds: Sequence[Days]
    metric: Metric
    trials: int
    seed: int

    def run(self) -> Iterator[Trial]:
        """Each trial when it is done. The same search gives the same trials."""
        study, space = _study(self.seed), _distributions(SPACES[self.family])
        study.enqueue_trial(default_point(self.family))
        for number in range(1, self.trials + 1):
            asked = study.ask(space)
            trial = self._measured(number, recipe_at(self.family, asked.params))
            study.tell(asked, trial.mean[self.metric])
            yield trial

    def best(self, trials: Sequence[Trial]) -> Trial:
        """The first of those that none is better than."""
        return max(trials, key=lambda trial: trial.mean[self.metric])

    def _measured(self, number: int, proposed: Recipe) -> Trial:
        recipe = proposed if number > 1 else recipe_of(self.family)
        ranked = [self.rank(days, recipe) for days in self.folds]
        return Trial(number=number, recipe=recipe, mean=_mean(ranked), folds=ranked)

    def rank(self, days: Days, recipe: Recipe) -> Ranked:
        """What a booster of the fold's training days makes of its test days."""
        data, test = self.data, days.test
        booster = fit(
            recipe.family, data.features[days.train], data.fraud[days.train], seed=self.seed, recipe=recipe
        )
        fraud, score = data.fraud[test], trees_of(booster, recipe.family).margins(data.features[test])
        return Ranked(
            test_start=days.test_start,
            average_precision=average_precision(fraud, score),
            auc_roc=auc_roc(fraud, score),
            card_precision_at_100=card_precision(
                fraud, score, data.customer[test], data.day[test], TOP_CARDS
            ),
        )


def search_of(
    data: Labelled, folds: Sequence[Fold], family: Family, *, metric: str, trials: int, seed: int
) -> Search:
    """A search that can be run: whatever its days or arguments lack is said before the first fit.

    Raises:
        BadFile: days without transactions, or of one kind only.
        Misuse: no such metric, no trial, or no fold.
    """
    if min(trials, len(folds)) < 1:
        raise Misuse("a search wants a trial and a fold at least")
    return Search(family, data, [_days(data, fold) for fold in folds], metric_of(metric), trials, seed)


def metric_of(name: str) -> Metric:
    """A metric by its name.

    Raises:
        Misuse: there is none of that name.
    """
    for metric in METRICS:
        if metric == name:
            return metric
    raise Misuse(f"there is no metric {name} to search by", next_step=f"use {', '.join(METRICS)}")


def _mean(ranked: Sequence[Ranked]) -> dict[str, float]:
    return {metric: float(np.mean([getattr(each, metric) for each in ranked])) for metric in METRICS}


def _days(data: Labelled, fold: Fold) -> Days:
    train = fold.training_rows(data)
    check_both_kinds(data.fraud[train])
    return Days(day_name(fold.first_test_day), train, judging_rows(data, fold))


def _study(seed: int) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _distributions(space: dict[str, Span]) -> dict[str, Any]:
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        name: IntDistribution(span.low, span.high, log=span.log)
        if isinstance(span.low, int) and isinstance(span.high, int)
        else FloatDistribution(span.low, span.high, log=span.log)
        for name, span in space.items()
    }
