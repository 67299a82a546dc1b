"""The scorer: feature rows and customers in, scores out, each by the model of the customer's variant.

With the policy it is all that decides; a change of any of it makes a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.ab_test import ABTestRouter, Variant
from models.boosters import Explain, Matrix, Predict, Scores
from models.errors import ModelRejected
from models.policy import Policy
from models.training_sample import TrainingSample


@dataclass(frozen=True, slots=True)
class Model:
    """A verified model, ready to be asked.

    predict: float32 (n, len(FEATURES)) to calibrated probabilities, float64 (n,).
    explain: what each feature adds to the margin, float64 (n, len(FEATURES) + 1), the last what all begin
    with.
    sample: of the rows that it was trained on, to see later whether transactions have changed.
    """

    name: str
    version: str
    predict: Predict
    explain: Explain
    sample: TrainingSample | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """score: float64 (n,). variant: int64 (n,), an index into the split's variants."""

    score: Scores
    variant: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judged(Scored):
    """verdict: int8 (n,), an index into `VERDICTS`."""

    verdict: NDArray[np.int8]


class Scorer:
    """One model per variant, and the policy. Immutable: a change makes a new one, swapped in between
    sweeps."""

    degraded_reason: str | None = None

    def __init__(self, router: ABTestRouter, models: Sequence[Model], policy: Policy) -> None:
        self.router = router
        self.policy = policy
        self.models = tuple(models)

    @property
    def variants(self) -> tuple[Variant, ...]:
        return self.router.config.variants

    def judge(self, customer_ids: Sequence[str], features: Matrix, amount_minor: NDArray[np.int64]) -> Judged:
        """Score a sweep, and say what follows.

        Raises:
            ModelRejected: a model gave something that is not a probability.
        """
        scored = self.score(customer_ids, features)
        return Judged(scored.score, scored.variant, self.policy.decide(scored.score, amount_minor))

    def score(self, customer_ids: Sequence[str], features: Matrix) -> Scored:
        """Score a sweep: one predict per variant.

        Raises:
            ModelRejected: a model gave something that is not a probability.
        """
        variant = self.router.variants_of(customer_ids)
        score = np.empty(len(customer_ids), np.float64)
        for position, model in enumerate(self.models):
            mine = np.flatnonzero(variant == position)
            if len(mine) == len(score):
                score = model.predict(features)
            elif len(mine):
                score[mine] = model.predict(np.ascontiguousarray(features[mine]))
        _refuse_impossible(score)
        return Scored(score, variant)

    def opinions(self, features: Matrix) -> list[Scores]:
        """What every variant says of the same rows, each (n,), in the order of the variants.

        Raises:
            ModelRejected: a model gave something that is not a probability.
        """
        found = [model.predict(features) for model in self.models]
        for score in found:
            _refuse_impossible(score)
        return found

    def explain(self, variant: NDArray[np.int64], features: Matrix) -> NDArray[np.float64]:
        """What each feature adds to the margin, (n, len(FEATURES)): one call per variant. variant: (n,)."""
        added = np.empty(features.shape, np.float64)
        for position, model in enumerate(self.models):
            mine = np.flatnonzero(variant == position)
            if len(mine):
                added[mine] = model.explain(np.ascontiguousarray(features[mine]))[:, :-1]
        return added


def _refuse_impossible(score: Scores) -> None:
    if not bool(((score >= 0) & (score <= 1)).all()):
        raise ModelRejected("a model gave a score outside 0 to 1", why="its output is not a probability")
