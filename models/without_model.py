"""What decides where there is no model: the policy, by the amount alone; and every decision says so."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.ab_test import ABTestRouter
from models.boosters import Matrix
from models.policy import Policy
from models.scorer import Judged, Model, Scorer

NO_MODEL = "no_model"


class WithoutModel(Scorer):
    """Customers keep their variants; the model's name is `none`."""

    degraded_reason = NO_MODEL

    def __init__(self, router: ABTestRouter, policy: Policy) -> None:
        nobody = Model("none", "0", _nothing_measured, _nothing_added)
        super().__init__(router, [nobody] * len(router.config.variants), policy)

    def judge(self, customer_ids: Sequence[str], features: Matrix, amount_minor: NDArray[np.int64]) -> Judged:
        score, verdict = self.policy.assume(amount_minor)
        return Judged(score, self.router.variants_of(customer_ids), verdict)


def _nothing_measured(features: Matrix) -> NDArray[np.float64]:
    return np.zeros(len(features))


def _nothing_added(features: Matrix) -> NDArray[np.float64]:
    return np.zeros((len(features), features.shape[1] + 1))
