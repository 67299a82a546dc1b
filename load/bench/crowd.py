"""Customers and terminals by the million, with a month of history each: what a stream of years leaves.

Drawn evenly and not simulated, as only the size of what is kept matters here; a terminal has as many visits
as its share gives it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from load.columns import DAY_MS, Transactions, midnight_ms
from load.generator import START
from load.population import numbered
from models.features import DAY_S, Entity
from models.history import EVENT, Ints, pack

TERMINALS_PER_CUSTOMER = 2
A_DAY = 2
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Crowd:
    """name: begins the ids. days: of history, `A_DAY` transactions of each customer a day."""

    name: str
    customers: int
    days: int = 30

    def count(self, entity: Entity) -> int:
        return self.customers * (1 if entity == "customer" else TERMINALS_PER_CUSTOMER)

    def records_each(self, entity: Entity) -> int:
        """How many a history has."""
        return self.customers * A_DAY * self.days // self.count(entity)

    def histories(self, entity: Entity, rng: np.random.Generator) -> Iterator[tuple[list[str], bytes]]:
        """Names, and their histories one behind the other, oldest records first."""
        each, start_s = self.records_each(entity), midnight_ms(START) // 1000
        for first in range(0, self.count(entity), AT_ONCE):
            some = min(AT_ONCE, self.count(entity) - first)
            time_s = np.sort(rng.integers(start_s, start_s + self.days * DAY_S, (some, each)), axis=1)
            yield (
                self._names(entity, some, first),
                pack(time_s.ravel(), self._payload(entity, some * each, rng), EVENT).tobytes(),
            )

    def transactions(
        self, count: int, first: int, rng: np.random.Generator, hot_share: float = 0.0
    ) -> Transactions:
        """So many of the day after, in the order of time. first: numbers their ids. hot_share: of them all at
        one terminal.
        """
        terminal = rng.integers(0, self.count("terminal"), count)
        terminal[rng.random(count) < hot_share] = 0
        customer = rng.integers(0, self.customers, count)
        start_ms = midnight_ms(START) + self.days * DAY_MS
        return Transactions(
            transaction_id=numbered(f"{self.name}-tx", count, first),
            customer_id=self._ids("customer", customer),
            terminal_id=self._ids("terminal", terminal),
            amount_minor=rng.integers(100, 10_000, count),
            event_time_ms=start_ms + np.sort(rng.integers(0, DAY_MS, count)),
        )

    def terminal(self, number: int) -> str:
        return f"{self.name}-terminal-{number}"

    def _names(self, entity: Entity, count: int, first: int) -> list[str]:
        return [f"{self.name}-{entity}-{number}" for number in range(first, first + count)]

    def _ids(self, entity: Entity, numbers: Ints) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
        return np.array([f"{self.name}-{entity}-{number}" for number in numbers.tolist()], object)

    @staticmethod
    def _payload(entity: Entity, count: int, rng: np.random.Generator) -> Ints:
        """Amounts; a terminal's records have none."""
        return rng.integers(100, 10_000, count) if entity == "customer" else np.zeros(count, np.int64)
