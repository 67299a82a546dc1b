"""The quality of variants: the report's own figures, intervals for amounts too, and curves of each."""

import numpy as np
import pytest

from models.ab_report import Rows, report
from models.costs import Costs
from models.errors import BadFile
from models.policy import APPROVE, DEFAULT_POLICY
from models.quality import Compared, compared
from tests.unit.models.test_ab_report import SHARES, rows

VERSIONS = {"champion": ["M@1", "M@2"], "challenger": ["L@1"]}
BOTH = {"champion": rows(180, skill=2, seed=1), "challenger": rows(20, skill=2, seed=2, first=180)}


def found_of(of_each: dict[str, Rows], seed: int = 1) -> Compared:
    return compared(of_each, SHARES, VERSIONS, DEFAULT_POLICY, Costs(), seed=seed, resamplings=60)


def test_figures_and_differences_are_those_of_the_report() -> None:
    found, reported = found_of(BOTH), report(BOTH, SHARES, Costs(), seed=1, resamplings=60)
    assert (found.differences, found.conclusion) == (reported.differences, reported.conclusion)
    for mine, theirs in zip(found.variants, reported.variants, strict=True):
        assert (mine.auc_roc, mine.review_rate) == (theirs.auc_roc, theirs.review_rate)
        assert mine.cost_per_thousand_minor == theirs.cost_per_thousand_minor
        assert mine.fraud_caught_minor.value == theirs.fraud_caught_minor
        assert mine.fraud_missed_minor.value == theirs.fraud_missed_minor
    assert [each.models for each in found.variants] == [["M@1", "M@2"], ["L@1"]]


def test_amounts_have_intervals_that_hold_them() -> None:
    for variant in found_of(BOTH).variants:
        for amount in (variant.fraud_caught_minor, variant.fraud_missed_minor):
            assert 0 <= amount.low <= amount.value <= amount.high
    missed = found_of(BOTH).variants[0].fraud_missed_minor
    of_champion = BOTH["champion"]
    one_by_one = of_champion.amount_minor[(of_champion.fraud == 1) & (of_champion.verdict == APPROVE)]
    assert missed.value == one_by_one.sum()
    assert missed.low < missed.value < missed.high


def test_every_variant_has_its_curves() -> None:
    for variant in found_of(BOTH).variants:
        assert sum(each.count for each in variant.calibration.bins) == variant.transactions
        assert variant.precision_recall[-1].recall == 1
        assert variant.costs


def test_a_variant_that_saw_no_fraud_has_no_ranking_and_no_curve_of_it() -> None:
    none = rows(20, skill=2, seed=2, first=180, base_rate=0)
    variant = found_of(BOTH | {"challenger": none}).variants[1]
    assert (variant.auc_roc, variant.precision_recall) == (None, [])
    assert variant.fraud_missed_minor.high == 0
    assert np.isfinite(variant.cost_per_thousand_minor.high)


def test_without_any_labelled_decision_there_is_nothing() -> None:
    with pytest.raises(BadFile):
        found_of({})
