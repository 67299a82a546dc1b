"""The simulator's frauds 2 and 3: terminals and customers that are compromised for some days."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load.columns import Ints
from load.parameters import SimulatorParameters, Stream, draws


class CompromisedTerminals:
    """Scenario 2: all transactions at a compromised terminal are frauds, on the day it begins and 27 more."""

    def __init__(self, parameters: SimulatorParameters, seed: int) -> None:
        self._parameters = parameters
        self._seed = seed
        self._until = np.zeros(parameters.terminals, np.int32)  # the first day it is sound again

    def begin(self, day: int) -> None:
        """Draw the terminals that begin on this day; days come in order."""
        count = self._parameters.begun_on(day, self._parameters.compromised_terminals)
        rng = draws(self._seed, Stream.TERMINALS, day)
        begun = rng.choice(len(self._until), min(count, len(self._until)), replace=False, shuffle=False)
        self._until[begun] = day + self._parameters.compromised_terminal_days

    def hit(self, day: int, terminal: Ints) -> NDArray[np.bool_]:
        """Which of the day's transactions are at a compromised terminal."""
        return self._until[terminal] > day


@dataclass(frozen=True, slots=True, eq=False)
class Strikes:
    """The transactions that one day's compromised customers will find on their bills."""

    day: Ints
    customer: Ints
    nth: Ints  # of that customer on that day, from 0


class CompromisedCustomers:
    """Scenario 3: a third of all that a day's compromised customers spend from then on, for 14 days.

    Which third is drawn when the fraud begins, as published: so the visits of the coming days must be known.
    They are drawn twice, ahead to be counted and on their day to be used: 14 counts per customer are kept,
    not 14 days of transactions. Visits ahead are drawn also where the run ends before them, so that a longer
    run begins with the shorter one.
    """

    def __init__(
        self, parameters: SimulatorParameters, seed: int, customers_on: Callable[[int], Ints]
    ) -> None:
        """`customers_on(day)` gives the customer of each of the day's visits."""
        self._parameters = parameters
        self._seed = seed
        self._customers_on = customers_on
        self._ahead: deque[NDArray[np.uint16]] = deque(maxlen=parameters.compromised_customer_days)
        self._strikes: deque[Strikes] = deque(maxlen=parameters.compromised_customer_days)

    def begin(self, day: int) -> None:
        """Draw the customers that begin on this day, and what is struck; days come in order."""
        self._look_ahead(day)
        parameters = self._parameters
        count = parameters.begun_on(day, parameters.compromised_customers)
        rng = draws(self._seed, Stream.CUSTOMERS, day)
        struck = rng.choice(
            parameters.customers, min(count, parameters.customers), replace=False, shuffle=False
        )
        visits = np.stack([visits[struck] for visits in self._ahead]).astype(np.int64)
        self._strikes.append(strike(day, struck, visits, parameters.compromised_customer_share, rng))

    def rows(self, day: int, customer: Ints) -> Ints:
        """The day's rows that are struck, perhaps repeatedly, given each row's customer, ascending."""
        today = [(strikes, strikes.day == day) for strikes in self._strikes]
        struck = np.concatenate([strikes.customer[mask] for strikes, mask in today])
        nth = np.concatenate([strikes.nth[mask] for strikes, mask in today])
        rows: Ints = np.searchsorted(customer, struck) + nth
        return rows

    def _look_ahead(self, day: int) -> None:
        last = day + self._parameters.compromised_customer_days
        for coming in range(last - 1 if self._ahead else day, last):
            counts = np.bincount(self._customers_on(coming), minlength=self._parameters.customers)
            self._ahead.append(counts.astype(np.uint16))


def strike(day: int, customers: Ints, visits: Ints, one_in: int, rng: np.random.Generator) -> Strikes:
    """One in `one_in` of all visits, rounded down; `visits` counts them, shape (days, customers)."""
    counts = visits.ravel()
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    chosen = rng.choice(total, total // one_in, replace=False, shuffle=False)
    cell = np.searchsorted(ends, chosen, side="right")
    later, customer = np.divmod(cell, max(1, len(customers)))
    return Strikes(day + later, customers[customer], chosen - (ends - counts)[cell])
