"""FEATURES: what the models see, in the order in which they see it. Data, not code paths.

Source: Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, chapter 3.
A window (t - delay - window, t - delay] ends at the transaction's own event time, or a delay before it
where the label must be known; the transaction itself is in its own windows without delay.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Literal

HOUR_S = 3600
DAY_S = 24 * HOUR_S
LABEL_DELAY_S = 7 * DAY_S

Entity = Literal["customer", "terminal"]
Aggregate = Literal["amount", "is_weekend", "is_night", "count", "mean"]
ENTITIES: tuple[Entity, ...] = ("customer", "terminal")


@dataclass(frozen=True, slots=True)
class Feature:
    """One input of the models. Without an entity it comes from the transaction alone.

    A customer's history sums amounts (minor units), a terminal's sums known frauds: `mean` is the sum over
    the count, 0 where the window is empty.
    """

    name: str
    unit: str
    aggregate: Aggregate
    entity: Entity | None = None
    window_s: int = 0
    delay_s: int = 0

    @property
    def span(self) -> tuple[int, int]:
        return (self.delay_s, self.window_s)


WINDOWS = {"1d": DAY_S, "7d": 7 * DAY_S, "30d": 30 * DAY_S}


def _windows(entity: Entity, mean_name: str, mean_unit: str, delay_s: int) -> tuple[Feature, ...]:
    return tuple(
        feature
        for label, window_s in WINDOWS.items()
        for feature in (
            Feature(f"{entity}_tx_count_{label}", "transactions", "count", entity, window_s, delay_s),
            Feature(f"{entity}_{mean_name}_{label}", mean_unit, "mean", entity, window_s, delay_s),
        )
    )


FEATURES: tuple[Feature, ...] = (
    Feature("amount_minor", "minor units", "amount"),
    Feature("is_weekend", "0 or 1, Saturday and Sunday in UTC", "is_weekend"),
    Feature("is_night", "0 or 1, 00:00 to 06:59 in UTC", "is_night"),
    *_windows("customer", "amount_mean", "minor units", delay_s=0),
    *_windows("terminal", "fraud_share", "share", delay_s=LABEL_DELAY_S),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def features_hash(features: tuple[Feature, ...] = FEATURES) -> str:
    """Identifies the list, order and meaning included: a model fits one hash and no other."""
    return hashlib.sha256(repr(features).encode()).hexdigest()[:16]


@cache
def spans_of(entity: Entity, features: tuple[Feature, ...] = FEATURES) -> tuple[tuple[int, int], ...]:
    """The distinct (delay_s, window_s) that an entity's history must answer."""
    return tuple(sorted({feature.span for feature in features if feature.entity == entity}))


@cache
def reach_of(entity: Entity, features: tuple[Feature, ...] = FEATURES) -> int:
    """Seconds from a transaction to the oldest record that any of the entity's windows can hold."""
    return max((delay + window for delay, window in spans_of(entity, features)), default=0)


LATE_AFTER_S = max(reach_of(entity) for entity in ENTITIES)
