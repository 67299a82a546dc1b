"""The A/B split: which variant decides for a customer. The same on every worker, after every restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from models.errors import BadSetting, Misuse

_POSITION_BYTES = 6
_POSITIONS = 1 << (8 * _POSITION_BYTES)


LONGEST_VERSION = 64


def check_version(version: str) -> None:
    """
    Raises:
        BadSetting: a name that cannot stand in every row.
    """
    if not 1 <= len(version) <= LONGEST_VERSION or not version.isprintable():
        raise BadSetting(
            f"a version has 1 to {LONGEST_VERSION} printable characters", why=f"this one has {len(version)}"
        )


@dataclass(frozen=True, slots=True)
class Variant:
    """A pair of registered model and alias, and the share of customers it decides for (0 to 1)."""

    name: str
    model_name: str
    alias: str
    weight: float


@dataclass(frozen=True, slots=True)
class ABConfig:
    """The variants of a split. Weights add up to 1; a new salt deals the customers anew.

    Raises:
        BadSetting: no variant, a name twice, a negative weight, or weights that do not add up to 1.
    """

    version: str
    salt: str
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        check_version(self.version)
        weights = [variant.weight for variant in self.variants]
        names = {variant.name for variant in self.variants}
        if not weights or not all(0 <= weight <= 1 for weight in weights) or abs(sum(weights) - 1) > 1e-9:
            raise BadSetting("the A/B weights must be at least 0 and add up to 1", why=f"they are {weights}")
        if len(names) != len(weights):
            raise BadSetting("two variants of the A/B split bear one name")


def create_default_ab_config() -> ABConfig:
    """Champion XGBoost for 90 % of the customers, challenger LightGBM for 10 %."""
    return ABConfig(
        version="default-1",
        salt="fraudml",
        variants=(
            Variant("champion", "FraudDetection_XGBoost", "champion", 0.9),
            Variant("challenger", "FraudDetection_LightGBM", "challenger", 0.1),
        ),
    )


def changed_split(
    current: ABConfig, version: str, weights: Mapping[str, float], salt: str | None
) -> ABConfig:
    """A split with other weights; what is not named keeps its weight.

    Raises:
        Misuse: a variant that the split does not have, or the version that is in force.
        BadSetting: weights that do not add up to 1.
    """
    names = [variant.name for variant in current.variants]
    if unknown := sorted(weights.keys() - set(names)):
        raise Misuse(f"the split has no variant {unknown[0]}", next_step=f"use {', '.join(names)}")
    if version == current.version:
        raise Misuse(f"version {version} is in force", next_step="give the new one a name of its own")
    variants = tuple(
        replace(variant, weight=weights.get(variant.name, variant.weight)) for variant in current.variants
    )
    return ABConfig(version, current.salt if salt is None else salt, variants)


class ABTestRouter:
    """Deals customers to variants by a hash: a change of two neighbouring weights moves only whom it must.

    Source: Kohavi et al. 2009, Controlled experiments on the web (hash and partition).
    """

    def __init__(self, config: ABConfig) -> None:
        self.config = config
        self._ends = self._upper_ends()
        self._index = lru_cache(maxsize=1 << 16)(self._index_of)

    def _upper_ends(self) -> list[int]:
        ends, reached = [], 0.0
        # The challengers lie at the low end: raising their share takes customers from the champion alone.
        for variant in reversed(self.config.variants):
            reached += variant.weight
            ends.append(round(reached * _POSITIONS))
        ends[-1] = _POSITIONS
        return ends

    def position(self, customer_id: str) -> int:
        """Uniform over customers in [0, 2**48): BLAKE2b of `salt:customer_id` to 6 bytes, big-endian."""
        digest = blake2b(f"{self.config.salt}:{customer_id}".encode(), digest_size=_POSITION_BYTES).digest()
        return int.from_bytes(digest, "big")

    def _index_of(self, customer_id: str) -> int:
        position = self.position(customer_id)
        from_low_end = next(i for i, end in enumerate(self._ends) if position < end)
        return len(self._ends) - 1 - from_low_end

    def index(self, customer_id: str) -> int:
        """Which of the config's variants decides for the customer."""
        return self._index(customer_id)

    def variants_of(self, customer_ids: Sequence[str]) -> NDArray[np.int64]:
        """As `index`, for each of them: int64 (n,)."""
        return np.fromiter(map(self._index, customer_ids), np.int64, len(customer_ids))

    def assign(self, customer_id: str) -> str:
        """The name of the customer's variant."""
        return self.config.variants[self.index(customer_id)].name
