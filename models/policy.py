"""The policy: from a score and an amount to approve, review or decline. Versioned; every row says which
decided."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from models.ab_test import check_version
from models.decision import VERDICTS, Verdict
from models.errors import BadSetting

APPROVE, REVIEW, DECLINE = range(3)
Threshold = Annotated[float, Meta(ge=0, le=1)]


class Band(msgspec.Struct, frozen=True):
    """Thresholds of the amounts from `amount_minor` on: review from `review_at`, decline from
    `decline_at`."""

    amount_minor: Annotated[int, Meta(ge=0)]
    review_at: Threshold
    decline_at: Threshold


class Fallback(msgspec.Struct, frozen=True):
    """What becomes of amounts from `amount_minor` on where there is no model."""

    amount_minor: Annotated[int, Meta(ge=0)]
    verdict: Verdict


# What is small passes: a shop that is told nothing but to wait sells nothing.
SMALL_PASSES = (Fallback(0, "approve"), Fallback(5_000, "review"))


class Policy(msgspec.Struct, frozen=True):
    """Bands of amounts, lowest first; the first begins at 0. The same holds for `without_model`.

    Raises:
        BadSetting: no band, bands out of order, or thresholds outside 0 to 1 or in the wrong order.
    """

    version: Annotated[str, Meta(min_length=1, max_length=64)]
    bands: tuple[Band, ...]
    without_model: tuple[Fallback, ...] = SMALL_PASSES

    def __post_init__(self) -> None:
        check_version(self.version)
        for bands in (self.bands, self.without_model):
            amounts = [band.amount_minor for band in bands]
            if amounts[:1] != [0] or any(later <= earlier for earlier, later in pairwise(amounts)):
                raise BadSetting(
                    "the bands of a policy begin at 0 and rise",
                    why=f"those of {self.version} begin at {amounts}",
                )
        for band in self.bands:
            if not 0 <= band.review_at <= band.decline_at <= 1:
                raise BadSetting(
                    "a policy wants 0 <= review_at <= decline_at <= 1",
                    why=f"{self.version} has {band.review_at} and {band.decline_at}",
                )

    def decide(self, scores: NDArray[np.float64], amount_minor: NDArray[np.int64]) -> NDArray[np.int8]:
        """Indices into `VERDICTS`, one per score (n,) and amount (n,). What is no number is declined."""
        band = _place(self.bands, amount_minor)
        # Asked in this way, a score that is no number is below nothing.
        reviewed = ~(scores < np.array([band.review_at for band in self.bands])[band])
        declined = ~(scores < np.array([band.decline_at for band in self.bands])[band])
        return reviewed.astype(np.int8) + declined

    def assume(self, amount_minor: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """Without a model, by the amounts (n,) alone: scores and indices into `VERDICTS`.

        A score is what the verdict begins at, which nothing has measured: 0, `review_at` or `decline_at`.
        """
        fallback = np.array([VERDICTS.index(each.verdict) for each in self.without_model], np.int8)
        verdict = fallback[_place(self.without_model, amount_minor)]
        cuts = np.array([(0.0, band.review_at, band.decline_at) for band in self.bands])
        return cuts[_place(self.bands, amount_minor), verdict], verdict

    def band(self, amount_minor: int) -> Band:
        """Whose thresholds hold for an amount."""
        return self.bands[int(_place(self.bands, np.array([amount_minor]))[0])]

    def verdict(self, score: float, amount_minor: int) -> Verdict:
        return VERDICTS[int(self.decide(np.array([score]), np.array([amount_minor]))[0])]

    def fallback(self, amount_minor: int) -> tuple[float, Verdict]:
        """`assume`, of one."""
        score, verdict = self.assume(np.array([amount_minor]))
        return float(score[0]), VERDICTS[int(verdict[0])]


def _place(bands: Sequence[Band | Fallback], amount_minor: NDArray[np.int64]) -> NDArray[np.int64]:
    """In which band each amount falls."""
    return np.searchsorted([band.amount_minor for band in bands], amount_minor, side="right") - 1


def flat_policy(version: str, review_at: float, decline_at: float) -> Policy:
    """The same thresholds for every amount."""
    return Policy(version, (Band(0, review_at, decline_at),))


DEFAULT_POLICY = flat_policy("default-1", review_at=0.3, decline_at=0.8)
