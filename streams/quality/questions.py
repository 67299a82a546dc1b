"""What may be asked about what decides."""

from datetime import datetime

import msgspec

from models.costs import Costs
from models.policy import Threshold
from models.training_sample import TrainingSample


class QualityQuestion(msgspec.Struct, frozen=True, kw_only=True, tag="quality"):
    """Decisions of [since, until) by event time."""

    since: datetime
    until: datetime
    costs: Costs


class WhatIfQuestion(msgspec.Struct, frozen=True, kw_only=True, tag="what_if"):
    """Likewise. variant: None for all of the split."""

    since: datetime
    until: datetime
    costs: Costs
    review: Threshold
    decline: Threshold
    variant: str | None


class ModelInForce(msgspec.Struct, frozen=True, kw_only=True):
    """sample: of its training rows, None where it is not known."""

    name: str
    version: str
    variants: list[str]
    sample: TrainingSample | None


class DriftQuestion(msgspec.Struct, frozen=True, kw_only=True, tag="drift"):
    """Decisions of [since, until) by `decided_at`."""

    since: datetime
    until: datetime
    models: list[ModelInForce]


Question = QualityQuestion | WhatIfQuestion | DriftQuestion


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question, and where the answer lies. timeout_s: of each statement."""

    question: Question
    database_url: str
    timeout_s: float
