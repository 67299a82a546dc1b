"""Whether each row is what the rules and the model say that it names: variant, score and verdict."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.ab_test import ABTestRouter
from models.decision import DecidedTransaction
from models.errors import ModelRejected
from models.policy import Policy
from models.scorer import Model
from models.without_model import NO_MODEL
from streams.ledger.rules import POLICY, SPLIT, Kind
from streams.ledger.scan import ExportedRow

CLOSE = 1e-6
Version = tuple[str, str]  # registered model and version


@dataclass
class Obedience:
    """find: a version of a kind of rule. model_of: a verified model; raises ModelRejected if there is none.

    Both are asked once for each version.
    """

    find: Callable[[Kind, str], Any]
    model_of: Callable[[str, str], Model]
    _routers: dict[str, ABTestRouter] = field(default_factory=dict)
    _policies: dict[str, Policy] = field(default_factory=dict)
    _models: dict[Version, Model] = field(default_factory=dict)

    def breaches(self, rows: Sequence[ExportedRow]) -> Iterator[str]:
        """In words, what is not as its own versions say."""
        for row in rows:
            yield from self._ruled(row.decided)
        by_model: dict[Version, list[ExportedRow]] = defaultdict(list)
        for row in rows:
            if row.decided.degraded_reason == NO_MODEL:
                continue
            by_model[row.decided.model_name, row.decided.model_version].append(row)
        for version, its_rows in by_model.items():
            yield from self._scored(version, its_rows)

    def _ruled(self, row: DecidedTransaction) -> Iterator[str]:
        variant = self._router(row.ab_version).assign(row.customer_id)
        if row.variant != variant:
            yield f"{row.transaction_id}: {row.variant} scored it, split {row.ab_version} says {variant}"
        policy = self._policy(row.policy_version)
        score, verdict = row.score, policy.verdict(row.score, row.amount_minor)
        if row.degraded_reason == NO_MODEL:
            score, verdict = policy.fallback(row.amount_minor)
        if row.score != score:
            yield f"{row.transaction_id}: no model scored it {row.score}, the policy assumes {score}"
        if row.decision != verdict:
            yield f"{row.transaction_id}: is {row.decision}, policy {row.policy_version} says {verdict}"

    def _scored(self, version: Version, rows: Sequence[ExportedRow]) -> Iterator[str]:
        named = " version ".join(version)
        try:
            model = self._model(version)
        except ModelRejected as error:
            yield f"{rows[0].decided.transaction_id}, and {len(rows) - 1} more: {named} scored it; {error}"
            return
        scores = model.predict(np.array([row.features for row in rows], np.float32))
        for row, score in zip(rows, scores, strict=True):
            if abs(row.decided.score - score) > CLOSE:
                yield f"{row.decided.transaction_id}: score {row.decided.score}, {named} gives {score}"

    def _router(self, version: str) -> ABTestRouter:
        if version not in self._routers:
            self._routers[version] = ABTestRouter(self.find(SPLIT, version))
        return self._routers[version]

    def _policy(self, version: str) -> Policy:
        if version not in self._policies:
            self._policies[version] = self.find(POLICY, version)
        return self._policies[version]

    def _model(self, version: Version) -> Model:
        if version not in self._models:
            self._models[version] = self.model_of(*version)
        return self._models[version]
