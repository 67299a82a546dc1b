"""Whether each row is what the rules say that it names: the customer's variant, the verdict of its score."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from models.ab_test import ABTestRouter
from models.decision import DecidedTransaction
from models.policy import Policy
from streams.ledger.rules import POLICY, SPLIT, Kind


@dataclass
class Obedience:
    """find: a version of a kind of rule; asked once for each."""

    find: Callable[[Kind, str], Any]
    _routers: dict[str, ABTestRouter] = field(default_factory=dict)
    _policies: dict[str, Policy] = field(default_factory=dict)

    def breaches(self, rows: Iterable[DecidedTransaction]) -> Iterator[str]:
        """In words, what is not as its own versions say."""
        for row in rows:
            variant = self._router(row.ab_version).assign(row.customer_id)
            if row.variant != variant:
                yield f"{row.transaction_id}: {row.variant} scored it, split {row.ab_version} says {variant}"
            verdict = self._policy(row.policy_version).verdict(row.score, row.amount_minor)
            if row.decision != verdict:
                yield f"{row.transaction_id}: is {row.decision}, policy {row.policy_version} says {verdict}"

    def _router(self, version: str) -> ABTestRouter:
        if version not in self._routers:
            self._routers[version] = ABTestRouter(self.find(SPLIT, version))
        return self._routers[version]

    def _policy(self, version: str) -> Policy:
        if version not in self._policies:
            self._policies[version] = self.find(POLICY, version)
        return self._policies[version]
