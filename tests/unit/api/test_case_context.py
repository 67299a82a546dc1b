"""Around a case: the policy that decided, and what the models in force say of the same features."""

from typing import Any

import msgspec
import numpy as np
import pytest

from api.case_context import CaseContext, Thresholds, context_of
from api.examples import CASE_CONTEXT
from models.ab_test import ABConfig, ABTestRouter, Variant
from models.errors import LedgerUnavailable, ModelRejected, NotFound
from models.features import FEATURE_NAMES
from models.policy import Band, Policy
from models.scorer import Model, Scorer
from streams.ledger.case_context import CaseFacts, EntityContext
from tests.builders import POLICY, decided, explain_by_amount, score_by_amount
from tests.unit.api.guarded import Caller, key_of

TWO = ABConfig(
    "ab-2",
    "salt",
    (Variant("champion", "Xgb", "champion", 0.5), Variant("challenger", "Lgb", "challenger", 0.5)),
)
BANDS = Policy("bands", (Band(0, 0.3, 0.8), Band(50_000, 0.1, 0.45)))
ENTITY = msgspec.convert(CASE_CONTEXT["customer"], EntityContext)


def always(score: float) -> Any:
    return lambda features: np.full(len(features), score)


def two_models(challenger: Any = None) -> Scorer:
    models = [
        Model("Xgb", "7", score_by_amount, explain_by_amount),
        Model("Lgb", "3", challenger or always(0.2), explain_by_amount),
    ]
    return Scorer(ABTestRouter(TWO), models, POLICY)


def facts(**changes: Any) -> CaseFacts:
    features = np.zeros(len(FEATURE_NAMES), "<f4")
    features[FEATURE_NAMES.index("amount_minor")] = 60_000
    row = decided(amount_minor=60_000, model_name="Xgb", policy_version="bands")
    found = CaseFacts(row, features.tobytes(), list(FEATURE_NAMES), BANDS, ENTITY, ENTITY)
    return found._replace(**changes)


def test_thresholds_are_those_of_the_amount_in_the_policy_that_decided() -> None:
    assert context_of(facts(), two_models()).thresholds == Thresholds("bands", 0.1, 0.45)


def test_every_variant_speaks_of_the_stored_features_under_the_policy_that_decided() -> None:
    told = context_of(facts(), two_models())
    assert [(each.variant, each.score, each.decision) for each in told.variants] == [
        ("champion", 0.5, "decline"),
        ("challenger", 0.2, "review"),
    ]
    assert told.unavailable == []


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({}, ["champion"]),
        ({"variant": "challenger", "model_name": "Lgb", "model_version": "3"}, ["challenger"]),
        ({"model_version": "6"}, []),
        ({"variant": "challenger"}, []),
    ],
    ids=["in force", "the other", "promoted since", "moved since"],
)
def test_decided_is_the_model_that_did(changes: Any, who: list[str]) -> None:
    row = msgspec.structs.replace(facts().decided, **changes)
    told = context_of(facts(decided=row), two_models())
    assert [each.variant for each in told.variants if each.decided] == who


def test_without_a_model_nobody_speaks_and_it_says_so() -> None:
    told = context_of(facts(), None)
    assert (told.variants, told.unavailable) == ([], ["models"])
    assert told.thresholds is not None


def test_features_of_another_list_are_shown_to_no_model() -> None:
    told = context_of(facts(feature_names=["amount_minor"]), two_models(always(float("nan"))))
    assert (told.variants, told.unavailable) == ([], ["features"])


def test_without_the_policy_there_are_scores_and_no_verdicts() -> None:
    told = context_of(facts(policy=None), two_models())
    assert (told.thresholds, told.unavailable) == (None, ["policy"])
    assert [(each.score, each.decision) for each in told.variants] == [(0.5, None), (0.2, None)]


def test_what_is_no_probability_is_not_told() -> None:
    with pytest.raises(ModelRejected):
        context_of(facts(), two_models(always(float("nan"))))


class Contexts:
    """Stands for the ledger."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[str] = []

    async def find(self, transaction_id: str) -> CaseContext:
        self.asked.append(transaction_id)
        if self.error:
            raise self.error
        return context_of(facts(), two_models())


def asked(contexts: Contexts, name: str = "tx-1") -> Any:
    caller = Caller({"key": key_of(["decisions:read"])}, case_contexts=contexts)
    return caller.ask("GET", f"/v1/reviews/{name}/context", "key")


def test_the_answer_is_as_the_example_has_it() -> None:
    told = asked(Contexts())
    assert told.status_code == 200
    assert told.json().keys() == CASE_CONTEXT.keys()
    assert told.json()["customer"] == CASE_CONTEXT["customer"]
    assert told.json()["thresholds"] == {"policy_version": "bands", "review_at": 0.1, "decline_at": 0.45}


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("there is no such case"), 404), (LedgerUnavailable("Postgres failed"), 503)],
)
def test_what_is_not_there_and_what_is_away_are_told_apart(error: Exception, status: int) -> None:
    contexts = Contexts()
    contexts.error = error
    assert asked(contexts).status_code == status


def test_what_can_be_no_id_is_not_looked_for() -> None:
    contexts = Contexts()
    assert asked(contexts, "x" * 65).status_code == 404
    assert contexts.asked == []
