"""What an analyst sees around a case: thresholds, what each variant says, and the customer and terminal."""

from collections.abc import Callable

import msgspec
import numpy as np

from api.bulkhead import Bulkhead
from models.decision import Verdict
from models.features import FEATURE_NAMES
from models.policy import Policy
from models.scorer import Scorer
from streams.ledger.case_context import CaseFacts, EntityContext, PostgresCaseContext
from streams.settings import Settings

LEDGER_S, WITHIN_S = 2.0, 5.0


class Thresholds(msgspec.Struct, frozen=True):
    """Of the policy that decided, for this amount: review from `review_at`, decline from `decline_at`."""

    policy_version: str
    review_at: float
    decline_at: float


class VariantOpinion(msgspec.Struct, frozen=True, kw_only=True):
    """What the model in force for a variant says of the features that the decision rested on. decision: by
    the policy that decided; None where that is not known. decided: it is this model, in this variant, that
    decided."""

    variant: str
    model_name: str
    model_version: str
    score: float
    decision: Verdict | None
    decided: bool


class CaseContext(msgspec.Struct, frozen=True, kw_only=True):
    """variants: those in force in the process that answers. unavailable: what could not be told: `models`,
    while there are none; `features`, where the row has others than these models know; `policy`, where it was
    not kept."""

    transaction_id: str
    thresholds: Thresholds | None
    variants: list[VariantOpinion]
    customer: EntityContext
    terminal: EntityContext
    unavailable: list[str]


class CaseContexts:
    """Over a connection and a thread of its own. scorer: what is in force; None while nothing is."""

    def __init__(self, settings: Settings, scorer: Callable[[], Scorer | None]) -> None:
        self._store = PostgresCaseContext(settings.database_url, LEDGER_S, "fraudml-case-context")
        self._thread = Bulkhead("case-context", WITHIN_S)
        self._scorer = scorer

    async def find(self, transaction_id: str) -> CaseContext:
        """
        Raises:
            NotFound: there is no such case.
            LedgerUnavailable: Postgres cannot be reached, or takes too long.
        """
        return await self._thread.run(self._find, transaction_id)

    def _find(self, transaction_id: str) -> CaseContext:
        return context_of(self._store.facts(transaction_id), self._scorer())

    def close(self) -> None:
        self._thread.close()
        self._store.close()


def context_of(facts: CaseFacts, scorer: Scorer | None) -> CaseContext:
    """
    Raises:
        ModelRejected: a model in force gave something that is not a probability.
    """
    is_readable = tuple(facts.feature_names) == FEATURE_NAMES
    missing = {"models": scorer is None, "features": not is_readable, "policy": facts.policy is None}
    return CaseContext(
        transaction_id=facts.decided.transaction_id,
        thresholds=_thresholds(facts.policy, facts.decided.amount_minor),
        variants=_opinions(facts, scorer) if scorer and is_readable else [],
        customer=facts.customer,
        terminal=facts.terminal,
        unavailable=[name for name, is_missing in missing.items() if is_missing],
    )


def _thresholds(policy: Policy | None, amount_minor: int) -> Thresholds | None:
    if policy is None:
        return None
    band = policy.band(amount_minor)
    return Thresholds(policy.version, band.review_at, band.decline_at)


def _opinions(facts: CaseFacts, scorer: Scorer) -> list[VariantOpinion]:
    decided, policy = facts.decided, facts.policy
    features = np.frombuffer(facts.features, "<f4").astype(np.float32).reshape(1, -1)
    who = (decided.variant, decided.model_name, decided.model_version)
    scores = [float(score[0]) for score in scorer.opinions(features)]
    return [
        VariantOpinion(
            variant=variant.name,
            model_name=model.name,
            model_version=model.version,
            score=score,
            decision=policy.verdict(score, decided.amount_minor) if policy else None,
            decided=(variant.name, model.name, model.version) == who,
        )
        for variant, model, score in zip(scorer.variants, scorer.models, scores, strict=True)
    ]
