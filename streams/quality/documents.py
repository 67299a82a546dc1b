"""What is answered about what decides."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from models.ab_report import Difference
from models.costs import Costs
from models.drift import FeatureDrift
from models.policy import Band
from models.quality import VariantQuality
from models.what_if import Effect


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """since, until: the event times that were looked at. labelled: decisions with a label. truncated: there
    were too many labels, and `from` is later than asked for. without_labels: variants of the split that have
    no labelled decision. sample_ratio_p: the chance of such shares of customers if they were dealt as the
    split says. why: what is missing, where there is nothing to report.
    """

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    ab_version: str
    policy_version: str
    costs: Costs
    labelled: int
    truncated: bool
    variants: Sequence[VariantQuality] = ()
    without_labels: Sequence[str]
    differences: Sequence[Difference] = ()
    sample_ratio_p: float | None = None
    sample_ratio_ok: bool | None = None
    conclusion: str = ""
    why: str | None = None


class Thresholds(msgspec.Struct, frozen=True):
    review: float
    decline: float


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """As `Quality`. days: of UTC, those that have such a decision. bands: of the policy in force. asked: what
    the thresholds would have done, in_force: what this policy would have, decided: what was decided.
    differences: asked less in_force.
    """

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    ab_version: str
    policy_version: str
    bands: Sequence[Band]
    costs: Costs
    variant: str | None
    thresholds: Thresholds
    labelled: int
    frauds: int
    days: int
    truncated: bool
    asked: Effect | None = None
    in_force: Effect | None = None
    decided: Effect | None = None
    differences: Effect | None = None
    why: str | None = None


class ModelDrift(msgspec.Struct, frozen=True, kw_only=True):
    """rows: how many of its decisions were drawn. training_rows: None where the model does not say. features:
    the greatest index first.
    """

    name: str
    version: str
    variants: Sequence[str]
    rows: int
    training_rows: int | None
    features: Sequence[FeatureDrift]
    why: str | None = None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """since, until: by `decided_at`. decisions: how many there were in these minutes, whoever decided."""

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    decisions: int
    models: Sequence[ModelDrift]
    why: str | None = None
