"""From a question to its document: rows of the ledger, and what is computed from them."""

from contextlib import closing
from typing import Any

import msgspec
import numpy as np

from models.ab_report import Rows
from models.drift import drifts
from models.policy import flat_policy
from models.quality import compared
from models.ranking import Codes
from models.what_if import effect_of
from streams.ledger.newest_outcomes import DrawnDecisions, NewestOutcomes, PostgresQuality
from streams.ledger.outcomes import Labelled
from streams.ledger.rules import PostgresRules, Rules
from streams.quality.documents import Drift, ModelDrift, Quality, Thresholds, WhatIf
from streams.quality.questions import Asked, DriftQuestion, ModelInForce, QualityQuestion, WhatIfQuestion

NAME = "fraudml-quality"  # as Postgres lists its sessions
SEED = 1
DAY_MS = 86_400_000
NO_LABEL = "no decision of the split in force that is old enough has a label"
NO_MODEL = "no model is in force in the process that answers"
NO_DECISION = "it has decided nothing in this time"
NO_SAMPLE = "it was registered without the distributions of its training rows: train it again"

Document = Quality | WhatIf | Drift


def answer(asked: Asked) -> Document:
    """
    Raises:
        LedgerUnavailable: Postgres cannot be reached.
        TooWide: it takes too long.
    """
    question = asked.question
    with closing(PostgresQuality(asked.database_url, asked.timeout_s, NAME)) as ledger:
        if isinstance(question, DriftQuestion):
            models = [(each.name, each.version) for each in question.models]
            return drift(question, ledger.drawn(question.since, question.until, models))
        with closing(PostgresRules(asked.database_url, asked.timeout_s, NAME)) as known:
            rules = known.in_force()
        found = ledger.newest_outcomes(question.since, question.until, rules.split.version)
        if isinstance(question, QualityQuestion):
            return quality(question, rules, found)
        return what_if(question, rules, found)


def quality(question: QualityQuestion, rules: Rules, found: NewestOutcomes) -> Quality:
    rows = found.labelled.by_variant(rules.split, _codes(found.labelled.customer_id))
    known: dict[str, Any] = {"why": NO_LABEL}
    if rows:
        shares = {variant.name: variant.weight for variant in rules.split.variants}
        report = compared(rows, shares, found.labelled.models, rules.policy, question.costs, seed=SEED)
        known = msgspec.structs.asdict(report)
    return Quality(
        **_heading(question, rules, found),
        labelled=sum(len(each.fraud) for each in rows.values()),
        without_labels=[each.name for each in rules.split.variants if each.name not in rows],
        **known,
    )


def what_if(question: WhatIfQuestion, rules: Rules, found: NewestOutcomes) -> WhatIf:
    labelled, policy = found.labelled, rules.policy
    chosen = _of_variant(labelled, question.variant)
    rows = labelled.rows(_codes(labelled.customer_id)).where(chosen)
    days = len(np.unique(labelled.event_time_ms[chosen] // DAY_MS))
    return WhatIf(
        **_heading(question, rules, found),
        bands=policy.bands,
        variant=question.variant,
        thresholds=Thresholds(question.review, question.decline),
        labelled=len(rows.fraud),
        frauds=int(rows.fraud.sum()),
        days=days,
        **(_effects(question, rules, rows, days) if days else {"why": NO_LABEL}),
    )


def _effects(question: WhatIfQuestion, rules: Rules, rows: Rows, days: int) -> dict[str, Any]:
    other = flat_policy("asked", question.review, question.decline)
    asked, in_force = (
        effect_of(policy.decide(rows.score, rows.amount_minor), rows, days, question.costs)
        for policy in (other, rules.policy)
    )
    decided = effect_of(rows.verdict, rows, days, question.costs)
    return {"asked": asked, "in_force": in_force, "decided": decided, "differences": asked.less(in_force)}


def _of_variant(labelled: Labelled, variant: str | None) -> Any:
    """Which rows; all where no variant is named."""
    if variant is None:
        return np.ones(len(labelled), np.bool_)
    if variant not in labelled.variants:
        return np.zeros(len(labelled), np.bool_)
    return labelled.variant == labelled.variants.index(variant)


def _heading(
    question: QualityQuestion | WhatIfQuestion, rules: Rules, found: NewestOutcomes
) -> dict[str, Any]:
    return {
        "since": found.since,
        "until": question.until,
        "ab_version": rules.split.version,
        "policy_version": rules.policy.version,
        "costs": question.costs,
        "truncated": found.truncated,
    }


def _codes(customers: list[str]) -> Codes:
    """A number for each customer."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in customers], np.int64)


def drift(question: DriftQuestion, found: DrawnDecisions) -> Drift:
    return Drift(
        since=question.since,
        until=question.until,
        decisions=found.decisions,
        models=[_model_drift(model, found) for model in question.models],
        why=None if question.models else NO_MODEL,
    )


def _model_drift(model: ModelInForce, found: DrawnDecisions) -> ModelDrift:
    features, sample = found.features.get((model.name, model.version)), model.sample
    known = sample if sample is not None and sample.is_known else None
    compare = features is not None and known is not None
    return ModelDrift(
        name=model.name,
        version=model.version,
        variants=model.variants,
        rows=0 if features is None else len(features),
        training_rows=known.rows if known else None,
        features=drifts(features, known) if features is not None and known is not None else [],
        why=None if compare else NO_SAMPLE if known is None else NO_DECISION,
    )
