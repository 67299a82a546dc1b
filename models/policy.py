"""The policy: from a score to approve, review or decline. Versioned; every row says which version decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.decision import VERDICTS, Verdict
from models.errors import BadSetting

APPROVE, REVIEW, DECLINE = range(3)


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds on the score: review from `review_at`, decline from `decline_at`.

    Raises:
        BadSetting: thresholds outside 0 to 1, or in the wrong order.
    """

    version: str
    review_at: float
    decline_at: float

    def __post_init__(self) -> None:
        if not 0 <= self.review_at <= self.decline_at <= 1:
            raise BadSetting(
                "a policy wants 0 <= review_at <= decline_at <= 1",
                why=f"{self.version} has {self.review_at} and {self.decline_at}",
            )

    def decide(self, scores: NDArray[np.float64]) -> NDArray[np.int8]:
        """Indices into `VERDICTS`, one per score."""
        return np.searchsorted([self.review_at, self.decline_at], scores, side="right").astype(np.int8)

    def verdict(self, score: float) -> Verdict:
        return VERDICTS[int(self.decide(np.array([score]))[0])]


DEFAULT_POLICY = Policy(version="default-1", review_at=0.3, decline_at=0.8)
