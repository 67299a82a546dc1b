"""Evaluation end to end on small synthetic days: figures, a planted leak, and what cannot be judged."""

from dataclasses import replace

import numpy as np
import pytest

from models.costs import Costs
from models.errors import BadFile
from models.evaluation import Judged, best_f1_cut, judge, summary
from models.features import FEATURE_NAMES, FEATURES
from models.folds import Fold, Labelled, folds
from models.recipes import Recipe, recipe_of

FIRST, DAYS, PER_DAY = 17_737, 30, 400
AMOUNT = FEATURE_NAMES.index("amount_minor")
SHARE = FEATURE_NAMES.index("terminal_fraud_share_7d")
WEEK = Fold(FIRST, 7, 7, 7)
FEW_TREES = Recipe("xgboost", 15, recipe_of("xgboost").parameters)


def days(seed: int = 1) -> Labelled:
    """Frauds are rare, likelier with the amount, and half of them look like anything else."""
    rng = np.random.default_rng(seed)
    rows = DAYS * PER_DAY
    features = rng.random((rows, len(FEATURES))).astype(np.float32)
    features[:, AMOUNT] = rng.integers(100, 30_000, rows)
    chance = np.where(features[:, AMOUNT] > 25_000, 0.12, 0.01)
    return Labelled(
        features=features,
        fraud=(rng.random(rows) < chance).astype(np.int8),
        customer=rng.integers(0, 2_000, rows),
        day=np.repeat(np.arange(DAYS), PER_DAY) + FIRST,
        amount_minor=features[:, AMOUNT].astype(np.int64),
    )


@pytest.fixture(scope="module")
def judged() -> Judged:
    return judge(days(), WEEK, FEW_TREES, Costs(), seed=1)


def test_a_fold_is_told_with_its_days_and_sizes(judged: Judged) -> None:
    assert (judged.train_start, judged.train_end) == ("2018-07-25", "2018-07-31")
    assert (judged.test_start, judged.test_end) == ("2018-08-08", "2018-08-14")
    assert judged.train_rows == 7 * PER_DAY
    assert 0 < judged.frauds < judged.rows < 7 * PER_DAY


def test_the_same_seed_judges_the_same(judged: Judged) -> None:
    assert judge(days(), WEEK, FEW_TREES, Costs(), seed=1) == judged


def test_a_label_among_the_features_gives_itself_away(judged: Judged) -> None:
    """On the handbook's days nothing honest comes above an average precision of 0.8."""
    data = days()
    leaking = data.features.copy()
    leaking[:, SHARE] = data.fraud
    leaked = judge(replace(data, features=leaking), WEEK, FEW_TREES, Costs(), seed=1)
    assert judged.average_precision < 0.5 < 0.8 < leaked.average_precision


def test_no_label_of_the_test_changes_what_is_learned() -> None:
    """Scores of the test days are the same whatever becomes of their transactions."""
    data = days()
    later = data.fraud.copy()
    later[data.day >= FIRST + 14] ^= 1
    turned = judge(replace(data, fraud=later), WEEK, FEW_TREES, Costs(), seed=1)
    before = judge(data, WEEK, FEW_TREES, Costs(), seed=1)
    assert turned.train_frauds == before.train_frauds
    assert turned.calibration["constant"].predicted_over_observed != pytest.approx(
        before.calibration["constant"].predicted_over_observed
    )
    rows, frauds = before.rows, before.frauds
    raw = [each.calibration["raw"].predicted_over_observed for each in (before, turned)]
    assert raw[0] * frauds == pytest.approx(raw[1] * (rows - frauds), rel=1e-9)


def test_folds_are_summed_up_by_mean_and_deviation_of_every_number() -> None:
    data = days()
    found = summary(judge(data, fold, FEW_TREES, Costs(), seed=1) for fold in folds(WEEK, 2, 7))
    first, second = found["folds"]
    assert found["mean"]["auc_roc"] == pytest.approx((first["auc_roc"] + second["auc_roc"]) / 2)
    assert found["sd"]["auc_roc"] == pytest.approx(abs(first["auc_roc"] - second["auc_roc"]) / 2)
    assert set(found["mean"]["calibration"]) == {"constant", "raw", "calibrated"}
    assert set(found["mean"]["cost_per_thousand_minor"]) == {"fitted", "cut_at_half", "cut_at_best_f1"}
    assert "test_start" not in found["mean"]


@pytest.mark.parametrize(("which", "what"), [("train", "of both kinds"), ("test", "of one kind only")])
def test_days_of_one_kind_can_neither_teach_nor_judge(which: str, what: str) -> None:
    data = days()
    first, last = (0, 7) if which == "train" else (14, 21)
    blank = (data.day >= FIRST + first) & (data.day < FIRST + last)
    with pytest.raises(BadFile, match=what):
        judge(
            replace(data, fraud=np.where(blank, 0, data.fraud).astype(np.int8)),
            WEEK,
            FEW_TREES,
            Costs(),
            seed=1,
        )


def test_the_best_cut_by_f1_is_found() -> None:
    fraud, score = np.array([0, 0, 1, 1], np.int8), np.array([0.1, 0.6, 0.5, 0.9])
    assert best_f1_cut(fraud, score) == 0.5
