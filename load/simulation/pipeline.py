"""The pipeline under test: the real code, and a model whose scores give every feature away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from models.ab_test import ABConfig, ABTestRouter, Variant
from models.boosters import Matrix, Scores
from models.decision import Path
from models.features import FEATURE_NAMES
from models.history import Retention
from models.policy import flat_policy
from models.scorer import Model, Scorer
from streams.answered import Answered, Signer
from streams.arrivals import Batch
from streams.codecs import TransactionCodec
from streams.deciding import Decider, Histories, Names
from streams.healing import ViewKeeper
from streams.labels import LabelSweeps
from streams.metrics import Metrics
from streams.poison import PoisonGate
from streams.ports import DecisionRows, Ledger, Outbox
from streams.sweep import TransactionSweeps
from streams.verdicts import decided_row

CURRENCY = "EUR"
POLICY = flat_policy("simulated-1", review_at=0.5, decline_at=0.8)
SPLIT = ABConfig(
    "ab-1",
    "salt",
    (Variant("champion", "First", "champion", 0.7), Variant("challenger", "Second", "challenger", 0.3)),
)
SCORES = 1009
# A step is a millisecond: some labels of unknown transactions wait in vain within a schedule.
LABEL_WAIT_S = 0.1
# Multiples of primes: a feature that is off by a thousandth moves the score; in integers, as sums of floats
# depend on how many rows a sweep has.
WEIGHTS = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47][: len(FEATURE_NAMES)], np.int64)


def spread_score(features: Matrix) -> Scores:
    """A score in [0, 1) in which every feature counts; no feature is more likely to approve."""
    thousandths = np.rint(features.astype(np.float64) * 1000).astype(np.int64)
    return (thousandths @ WEIGHTS % SCORES) / SCORES


def weighted(features: Matrix) -> NDArray[np.float64]:
    """What each feature adds, by the same weights."""
    return np.column_stack([features * WEIGHTS, np.zeros(len(features))])


@cache
def scorer() -> Scorer:
    models = [Model(variant.model_name, "1", spread_score, weighted) for variant in SPLIT.variants]
    return Scorer(ABTestRouter(SPLIT), models, POLICY)


@cache
def metrics() -> Metrics:
    """Nobody looks at them, and making them costs more than a schedule."""
    return Metrics(CollectorRegistry())


# Of gateways and workers; forgers have another.
KEY, OTHER_KEY = b"of gateways and workers", b"of somebody else"
SIGNER, FORGER = Signer(KEY), Signer(OTHER_KEY)
Made = Callable[[Sequence[Answered], bool], None]


class NotingDecider(Decider):
    """made: hears of every decision that is made apart, and whether that was without histories."""

    made: Made

    def decide_apart(self, batch: Batch, names: Names, stored: Histories | None) -> DecisionRows:
        rows = super().decide_apart(batch, names, stored)
        answers = [Answered(decided_row(rows, row), rows.features[row]) for row in range(len(batch))]
        self.made(answers, stored is None)
        return rows


def build_decider(
    path: Path, retention: Retention, now: Callable[[], datetime], made: Made = lambda answers, degraded: None
) -> Decider:
    decider = NotingDecider(
        scorer=scorer, retention=retention, currency=CURRENCY, path=path, now=now, metrics=metrics()
    )
    decider.made = made
    return decider


@dataclass(frozen=True)
class Pipeline:
    transactions: TransactionSweeps
    labels: LabelSweeps


def build_pipeline(
    ledger: Ledger,
    outbox: Outbox,
    *,
    gate: PoisonGate,
    keeper: ViewKeeper,
    decider: Decider,
    signer: Signer,
    ahead_ms: int,
    now: Callable[[], datetime],
) -> Pipeline:
    """A worker's use cases, as streams/parts.py puts them together."""
    transactions = TransactionSweeps(
        codec=TransactionCodec(CURRENCY, ahead_ms),
        ledger=ledger,
        keeper=keeper,
        outbox=outbox,
        gate=gate,
        signer=lambda: signer,
        decider=decider,
        now=now,
        metrics=metrics(),
    )
    labels = LabelSweeps(
        ledger=ledger,
        keeper=keeper,
        outbox=outbox,
        gate=gate,
        metrics=metrics(),
        ahead_ms=ahead_ms,
        wait_s=LABEL_WAIT_S,
    )
    return Pipeline(transactions, labels)
