"""From rows of the ledger to the documents of quality, what-if and drift; and what they say where there is
nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from models.ab_test import create_default_ab_config
from models.costs import Costs
from models.features import FEATURES
from models.policy import APPROVE, DECLINE, REVIEW, flat_policy
from models.training_sample import TrainingSample, training_sample
from streams.ledger.newest_outcomes import MOST_LEVELS, DrawnDecisions, NewestOutcomes, level_of
from streams.ledger.outcomes import Labelled
from streams.ledger.rules import Rules
from streams.quality.answering import NO_DECISION, NO_LABEL, NO_MODEL, NO_SAMPLE, drift, quality, what_if
from streams.quality.questions import DriftQuestion, ModelInForce, QualityQuestion, WhatIfQuestion

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 29, tzinfo=UTC)
DAY_MS = 86_400_000
RULES = Rules(flat_policy("policy-1", 0.3, 0.8), create_default_ab_config())
COSTS = Costs()
MODEL = ("FraudDetection_XGBoost", "1")


def labelled(**changes: Any) -> Labelled:
    """Two days of six decisions: four of the champion, one of the challenger, one of a variant that was."""
    found = Labelled(
        event_time_ms=np.array([0, 1, 2, DAY_MS, DAY_MS + 1, DAY_MS + 2]),
        customer_id=["a", "a", "b", "c", "d", "e"],
        amount_minor=np.array([1000, 2000, 3000, 4000, 5000, 6000]),
        variants=["challenger", "champion", "retired"],
        variant=np.array([1, 1, 1, 1, 0, 2]),
        verdict=np.array([DECLINE, REVIEW, APPROVE, APPROVE, REVIEW, APPROVE], np.int8),
        score=np.array([0.9, 0.5, 0.4, 0.1, 0.35, 0.2]),
        fraud=np.array([1, 1, 0, 0, 0, 1], np.int8),
        models={"champion": ["X@1", "X@2"], "challenger": ["L@1"], "retired": ["R@1"]},
    )
    return replace(found, **changes)


def nothing() -> Labelled:
    columns = {name: getattr(labelled(), name)[:0] for name in Labelled.__slots__ if name != "models"}
    return Labelled(models={}, **columns)


def newest(found: Labelled, truncated: bool = False) -> NewestOutcomes:
    return NewestOutcomes(found, SINCE + timedelta(days=3) if truncated else SINCE, truncated)


def asked_what_if(variant: str | None = None, review: float = 0.05, decline: float = 0.8) -> WhatIfQuestion:
    return WhatIfQuestion(
        since=SINCE, until=UNTIL, costs=COSTS, review=review, decline=decline, variant=variant
    )


ASKED = QualityQuestion(since=SINCE, until=UNTIL, costs=COSTS)


def test_quality_is_that_of_each_variant_of_the_split() -> None:
    found = quality(ASKED, RULES, newest(labelled()))
    assert [(each.name, each.transactions, each.frauds) for each in found.variants] == [
        ("champion", 4, 2),
        ("challenger", 1, 0),
    ]
    champion = found.variants[0]
    assert (champion.customers, champion.models) == (3, ["X@1", "X@2"])
    assert champion.auc_roc is not None
    assert (champion.auc_roc.value, champion.fraud_caught_minor.value) == (1.0, 3000)
    assert (found.labelled, found.without_labels, found.why) == (5, [], None)
    assert (found.ab_version, found.policy_version) == ("default-1", "policy-1")
    assert (found.since, found.until, found.truncated) == (SINCE, UNTIL, False)


def test_a_variant_without_labels_is_named() -> None:
    only = labelled(variant=np.array([1, 1, 1, 1, 2, 2]), variants=["other", "champion", "retired"])
    found = quality(ASKED, RULES, newest(only))
    assert [each.name for each in found.variants] == ["champion"]
    assert found.without_labels == ["challenger"]


def test_without_labels_there_is_a_reason_and_no_figure() -> None:
    found = quality(ASKED, RULES, newest(nothing()))
    assert (found.why, found.variants, found.differences, found.labelled) == (NO_LABEL, (), (), 0)
    assert (found.sample_ratio_p, found.sample_ratio_ok, found.conclusion) == (None, None, "")
    assert found.without_labels == ["champion", "challenger"]


def test_what_was_left_out_is_said() -> None:
    found = quality(ASKED, RULES, newest(labelled(), truncated=True))
    assert (found.truncated, found.since) == (True, SINCE + timedelta(days=3))


def test_other_thresholds_are_laid_beside_those_in_force_and_what_was_decided() -> None:
    found = what_if(asked_what_if("champion"), RULES, newest(labelled()))
    assert (found.labelled, found.frauds, found.days) == (4, 2, 2)
    asked, in_force, decided, less = found.asked, found.in_force, found.decided, found.differences
    assert asked
    assert in_force
    assert decided
    assert less
    # From 0.05 on three are reviewed; from 0.3 on two; of these one was approved by a policy of before.
    assert (asked.reviews_per_day, in_force.reviews_per_day, decided.reviews_per_day) == (1.5, 1.0, 0.5)
    assert (asked.declines_per_day, less.reviews_per_day, less.declines_per_day) == (0.5, 0.5, 0.0)
    assert (asked.frauds_caught, asked.frauds_missed, asked.fraud_caught_minor) == (2, 0, 3000)
    assert less.cost_per_thousand_minor == pytest.approx(COSTS.review_minor * 1000 / 4)
    assert (found.thresholds.review, found.bands[0].review_at) == (0.05, 0.3)


def test_without_a_variant_all_of_the_split_count() -> None:
    found = what_if(asked_what_if(review=0.9, decline=0.95), RULES, newest(labelled()))
    assert (found.labelled, found.frauds) == (6, 3)
    assert found.asked is not None
    assert (found.asked.frauds_caught, found.asked.frauds_missed, found.asked.fraud_missed_minor) == (
        1,
        2,
        8000,
    )


@pytest.mark.parametrize("variant", [None, "nobody"])
def test_what_if_without_rows_has_a_reason_and_no_effect(variant: str | None) -> None:
    rows = labelled() if variant else nothing()
    found = what_if(asked_what_if(variant), RULES, newest(rows))
    assert (found.why, found.labelled, found.days) == (NO_LABEL, 0, 0)
    assert (found.asked, found.in_force, found.decided, found.differences) == (None, None, None, None)


def features(rows: int, shift: float = 0.0) -> Any:
    rng = np.random.default_rng(rows)
    return (rng.random((rows, len(FEATURES))) + shift).astype(np.float32)


def in_force(sample: TrainingSample | None) -> ModelInForce:
    return ModelInForce(name=MODEL[0], version=MODEL[1], variants=["champion"], sample=sample)


def drift_asked(*models: ModelInForce) -> DriftQuestion:
    return DriftQuestion(since=SINCE, until=UNTIL, models=[*models])


def test_drift_is_told_of_each_model_in_force_by_its_own_decisions() -> None:
    drawn = DrawnDecisions(900, {MODEL: features(500, 0.5), ("Other", "1"): features(400)})
    found = drift(drift_asked(in_force(training_sample(features(5000)))), drawn)
    (model,) = found.models
    assert (found.decisions, found.why) == (900, None)
    assert (model.rows, model.training_rows, model.variants, model.why) == (500, 5000, ["champion"], None)
    assert len(model.features) == len(FEATURES)
    assert {each.band for each in model.features} == {"significant"}


@pytest.mark.parametrize(
    ("sample", "drawn", "why"),
    [
        (training_sample(features(5000)), {}, NO_DECISION),
        (None, {MODEL: features(10)}, NO_SAMPLE),
        (TrainingSample(5000, {}, {}), {MODEL: features(10)}, NO_SAMPLE),
    ],
)
def test_a_model_that_cannot_be_compared_says_why(sample: Any, drawn: Any, why: str) -> None:
    (model,) = drift(drift_asked(in_force(sample)), DrawnDecisions(10, drawn)).models
    assert (model.features, model.why) == ([], why)


def test_without_a_model_in_force_drift_says_so() -> None:
    found = drift(drift_asked(), DrawnDecisions(10, {}))
    assert (found.models, found.why) == ([], NO_MODEL)


def test_documents_name_their_time_as_the_question_does() -> None:
    told = msgspec.json.decode(msgspec.json.encode(quality(ASKED, RULES, newest(labelled()))))
    assert (told["from"], told["to"]) == ("2026-05-01T00:00:00Z", "2026-05-29T00:00:00Z")


@pytest.mark.parametrize(
    ("decisions", "level"), [(0, 0), (100, 0), (101, 1), (800, 1), (801, 2), (10**9, MOST_LEVELS)]
)
def test_the_more_decisions_the_fewer_of_them_are_looked_at(decisions: int, level: int) -> None:
    assert level_of(decisions, 100) == level
