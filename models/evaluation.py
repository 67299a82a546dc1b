"""Evaluation: how a recipe would have done, had it been trained and asked at the time."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from models.boosters import Scores
from models.costs import Costs, fit_policy
from models.errors import BadFile
from models.folds import Fold, Labelled
from models.policy import Policy, flat_policy
from models.ranking import (
    Codes,
    auc_roc,
    average_precision,
    card_precision,
    recall_at_false_positive_rate,
)
from models.recipes import Recipe
from models.reliability import Reliability, reliability
from models.train import Learned, learn

TOP_CARDS = 100
FALSE_POSITIVE_RATE = 0.01
PLAIN_CUT = 0.5


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One fold. rows, frauds: of the test, without the cards that were known. Days are inclusive.

    calibration: of a constant (the share of frauds among what was trained on), of the booster's own
    probability, and of the calibrated one. cost_per_thousand_minor: what a thousand transactions cost under
    the fitted policy, and when everything is declined from 0.5 on, or from the cut with the best F1 among
    the training days.
    """

    train_start: str
    train_end: str
    test_start: str
    test_end: str
    train_rows: int
    train_frauds: int
    rows: int
    frauds: int
    auc_roc: float
    average_precision: float
    card_precision_at_100: float
    recall_at_1pct_fpr: float
    calibration: dict[str, Reliability]
    cost_per_thousand_minor: dict[str, float]


def judge(data: Labelled, fold: Fold, recipe: Recipe, costs: Costs, *, seed: int) -> Judged:
    """Train on a fold and look at its test days.

    Raises:
        BadFile: days without transactions, or of one kind only.
    """
    learned = learn(data, fold, recipe, seed=seed)
    return look(data, fold, learned, costs)


def look(data: Labelled, fold: Fold, learned: Learned, costs: Costs) -> Judged:
    """The test days of a fold, as a model of its training days scores them."""
    rows = judging_rows(data, fold)
    fraud, score = data.fraud[rows], learned.probabilities(data.features[rows])
    return Judged(
        train_start=day_name(fold.first_day),
        train_end=day_name(fold.first_day + fold.train_days - 1),
        test_start=day_name(fold.first_test_day),
        test_end=day_name(fold.first_test_day + fold.test_days - 1),
        train_rows=len(learned.rows),
        train_frauds=int(data.fraud[learned.rows].sum()),
        rows=len(rows),
        frauds=int(fraud.sum()),
        auc_roc=auc_roc(fraud, score),
        average_precision=average_precision(fraud, score),
        card_precision_at_100=card_precision(fraud, score, data.customer[rows], data.day[rows], TOP_CARDS),
        recall_at_1pct_fpr=recall_at_false_positive_rate(fraud, score, FALSE_POSITIVE_RATE),
        calibration=_calibrations(data, rows, learned, score),
        cost_per_thousand_minor=_spendings(data, rows, fold, learned, score, costs),
    )


def judging_rows(data: Labelled, fold: Fold) -> Codes:
    """The test rows of a fold.

    Raises:
        BadFile: days without transactions, or of one kind only.
    """
    rows = fold.test_rows(data)
    frauds = int(data.fraud[rows].sum())
    if not 0 < frauds < len(rows):
        raise BadFile(
            f"the test days from {day_name(fold.first_test_day)} have transactions of one kind only",
            why=f"{frauds:,} of {len(rows):,} are frauds",
            next_step="choose other days, or more of them",
        )
    return rows


def day_name(number: int) -> str:
    """2018-07-25, for days since 1970."""
    return str(np.datetime64(number, "D"))


def _calibrations(data: Labelled, rows: Codes, learned: Learned, score: Scores) -> dict[str, Reliability]:
    base_rate = float(data.fraud[learned.held_out].mean())
    rivals = {
        "constant": np.full(len(rows), base_rate),
        "raw": learned.trees.probabilities(data.features[rows]),
        "calibrated": score,
    }
    return {name: reliability(data.fraud[rows], rival, score) for name, rival in rivals.items()}


def _spendings(
    data: Labelled, rows: Codes, fold: Fold, learned: Learned, score: Scores, costs: Costs
) -> dict[str, float]:
    held_out = learned.held_out_probability
    fitted = fit_policy("fitted", costs, held_out, data.amount_minor[learned.held_out], fold.train_days)
    best_cut = best_f1_cut(data.fraud[learned.held_out], held_out)
    policies: Mapping[str, Policy] = {
        "fitted": fitted,
        "cut_at_half": flat_policy("half", PLAIN_CUT, PLAIN_CUT),
        "cut_at_best_f1": flat_policy("f1", best_cut, best_cut),
    }
    amount_minor = data.amount_minor[rows]
    return {
        name: costs.spent_minor(policy.decide(score, amount_minor), data.fraud[rows], amount_minor)
        * 1000
        / len(rows)
        for name, policy in policies.items()
    }


def best_f1_cut(fraud: np.ndarray[Any, np.dtype[np.int8]], score: Scores) -> float:
    """The threshold on the score with the best harmonic mean of precision and recall."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(fraud, score)
    both = precision[:-1] + recall[:-1]
    f1 = np.divide(2 * precision[:-1] * recall[:-1], both, out=np.zeros_like(both), where=both > 0)
    return float(thresholds[int(np.argmax(f1))])


def summary(judged: Iterable[Judged]) -> dict[str, Any]:
    """All folds, and the mean and standard deviation of every number in them (of a population, as
    published)."""
    documents = [msgspec.to_builtins(each) for each in judged]
    return {"folds": documents, "mean": _over(documents, np.mean), "sd": _over(documents, np.std)}


def _over(documents: list[Any], what: Any) -> Any:
    first = documents[0]
    if isinstance(first, dict):
        found = {name: _over([each[name] for each in documents], what) for name in first}
        return {name: value for name, value in found.items() if value is not None}
    return None if isinstance(first, str) else float(what(documents))
