"""Reasons: what raised a score, in words that a person understands. A versioned dictionary of stable codes.

Contributions are those of exact TreeSHAP; features that tell the same story are added up. Source: Lundberg et
al. 2020, From local explanations to global understanding with explainable AI for trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from models.features import DAY_S, FEATURE_NAMES, FEATURES, Feature

DICTIONARY = "1"
MOST_REASONS = 3
_MONTH_DAYS = 30


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that raised the score."""

    code: str
    sentence: str
    feature: Annotated[str, Meta(description="the feature that weighs most in it")]
    value: Annotated[float, Meta(description="of that feature, in its own unit")]
    usual: Annotated[float | None, Meta(description="the same of the customer's last 30 days, where known")]
    contribution: Annotated[float, Meta(gt=0, description="added to the log-odds of fraud")]


@dataclass(frozen=True, slots=True)
class Story:
    """A code, and the features that tell it."""

    code: str
    features: tuple[int, ...]


def _told_by(*aggregates: str, entity: str | None = None) -> tuple[int, ...]:
    return tuple(
        number
        for number, feature in enumerate(FEATURES)
        if feature.entity == entity and feature.aggregate in aggregates
    )


# A code keeps its meaning for ever; a changed one is a new code and a new DICTIONARY.
STORIES: tuple[Story, ...] = (
    Story("amount", _told_by("amount")),
    Story("weekend", _told_by("is_weekend")),
    Story("night", _told_by("is_night")),
    Story("customer_pace", _told_by("count", entity="customer")),
    Story("customer_spending", _told_by("mean", entity="customer")),
    Story("terminal_pace", _told_by("count", entity="terminal")),
    Story("terminal_frauds", _told_by("mean", entity="terminal")),
)
_AMOUNT = FEATURE_NAMES.index("amount_minor")
_COUNT_30D = FEATURE_NAMES.index("customer_tx_count_30d")
_MEAN_30D = FEATURE_NAMES.index("customer_amount_mean_30d")


def reasons_of(
    features: NDArray[np.float32], contributions: NDArray[np.float64], currency: str, decimals: int = 2
) -> list[list[Reason]]:
    """The strongest reasons of each row, strongest first; a row that nothing raised has none.

    features, contributions: (n, len(FEATURES)). decimals: digits of the currency's minor unit.
    """
    added = np.stack([contributions[:, list(story.features)].sum(axis=1) for story in STORIES], axis=1)
    strongest = np.argsort(-added, axis=1, kind="stable")[:, :MOST_REASONS]
    speak = Speaker(currency, decimals)
    return [
        [
            _reason(STORIES[number], features[row], contributions[row], float(added[row, number]), speak)
            for number in strongest[row].tolist()
            if added[row, number] > 0
        ]
        for row in range(len(features))
    ]


def _reason(
    story: Story, values: NDArray[np.float32], added: NDArray[np.float64], total: float, speak: "Speaker"
) -> Reason:
    weightiest = max(story.features, key=lambda number: float(added[number]))
    feature, value = FEATURES[weightiest], float(values[weightiest])
    usual = _usual(feature, values)
    return Reason(
        code=story.code,
        sentence=speak.sentence(feature, value, usual),
        feature=feature.name,
        value=value,
        usual=usual,
        contribution=total,
    )


def _usual(feature: Feature, values: NDArray[np.float32]) -> float | None:
    """The customer's own normal: of the last 30 days, without this transaction where it would count
    itself."""
    count, mean, amount = float(values[_COUNT_30D]), float(values[_MEAN_30D]), float(values[_AMOUNT])
    others = count - 1
    if others < 1:
        return None
    if feature.aggregate == "amount" or (feature.entity, feature.aggregate) == ("customer", "mean"):
        return (mean * count - amount) / others
    if (feature.entity, feature.aggregate) == ("customer", "count"):
        return others * feature.window_s / (_MONTH_DAYS * DAY_S)
    return None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says what a feature's value means. decimals: digits of the currency's minor unit."""

    currency: str
    decimals: int

    def money(self, amount_minor: float) -> str:
        return f"{amount_minor / 10**self.decimals:,.{self.decimals}f} {self.currency}"

    def sentence(self, feature: Feature, value: float, usual: float | None) -> str:
        window = _window(feature)
        match (feature.entity, feature.aggregate):
            case (None, "amount"):
                return f"The amount is {self.money(value)}{self._against(usual)}."
            case (None, "is_weekend"):
                return "It was made at a weekend." if value else "It was made on a weekday."
            case (None, "is_night"):
                return "It was made at night." if value else "It was made in the daytime."
            case ("customer", "count"):
                normal = "" if usual is None else f", where {usual:,.1f} would be usual"
                return f"The customer paid {value:,.0f} times within {window}{normal}."
            case ("customer", _):
                mean = f"{self.money(value)}{self._against(usual)}"
                return f"The customer's payments within {window} average {mean}."
            case (_, "count"):
                return f"The terminal took {value:,.0f} payments within {window}, up to a week ago."
            case _:
                return (
                    f"Of the terminal's payments within {window}, up to a week ago, {value:.0%} were frauds."
                )

    def _against(self, usual: float | None) -> str:
        return "" if usual is None else f"; usual for this customer is {self.money(usual)}"


def _window(feature: Feature) -> str:
    days = feature.window_s // DAY_S
    return "a day" if days == 1 else f"{days} days"


def codes_of_reasons(reasons: Sequence[Reason]) -> list[str]:
    return [reason.code for reason in reasons]
