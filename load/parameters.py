"""The numbers of the transaction simulator, and where each of its random draws comes from."""

from dataclasses import dataclass
from enum import IntEnum
from math import sqrt

import numpy as np

from models.errors import BadSetting

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class SimulatorParameters:
    """The defaults are the published ones.

    Source: Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, ch. 3.
    """

    customers: int = 5_000
    customer_prefix: str = "c"
    terminal_prefix: str = "t"
    terminals_per_customer: int = 2
    grid_side: float = 100.0  # of the square that holds `grid_terminals`; see `side`
    grid_terminals: int = 10_000
    radius: float = 5.0  # a terminal nearer than this is in reach
    mean_amount_minor: tuple[int, int] = (500, 10_000)  # uniform over customers
    amount_sd_share: float = 0.5  # of the customer's mean amount
    transactions_per_day: tuple[float, float] = (0.0, 4.0)  # the Poisson rate, uniform over customers
    time_of_day_s: tuple[float, float] = (43_200.0, 20_000.0)  # normal: mean, sd
    large_amount_minor: int = 22_000  # scenario 1: whatever is above is fraud
    frauds_per_customers: int = 5_000  # the next two counts are per this many customers and day
    compromised_terminals: int = 2  # scenario 2
    compromised_terminal_days: int = 28
    compromised_customers: int = 3  # scenario 3
    compromised_customer_days: int = 14
    compromised_customer_share: int = 3  # one in so many of their transactions
    compromised_amount_factor: int = 5

    def __post_init__(self) -> None:
        for name in ("customers", "terminals_per_customer", "compromised_customer_share"):
            if getattr(self, name) < 1:
                raise BadSetting(f"{name} is {getattr(self, name)}", next_step=f"set {name} to 1 or more")
        if not (self.grid_side > 0 and self.radius > 0):
            raise BadSetting("the grid or the radius has no size", next_step="set both above 0")

    @property
    def terminals(self) -> int:
        return self.customers * self.terminals_per_customer

    @property
    def side(self) -> float:
        """Side of the square. It grows with the terminals, so that about 78 are in reach, as published."""
        return self.grid_side * sqrt(self.terminals / self.grid_terminals)

    def begun_on(self, day: int, per_day: int) -> int:
        """How many frauds of one kind begin on a day, day 0 being the first.

        With n = `per_day` per `frauds_per_customers` customers, ceil((day + 1) n) have begun by the end of
        a day. So the published size gets exactly n every day, any size keeps the rate to within one fraud
        however long the run, and even the smallest run has one on its first day.
        """
        by_evening, by_morning = (
            -(-days * per_day * self.customers // self.frauds_per_customers) for days in (day + 1, day)
        )
        return by_evening - by_morning


class Stream(IntEnum):
    """What a draw is for. Each has a generator of its own per day, so a day depends on no other day."""

    POPULATION = 0
    VISITS = 1
    PURCHASES = 2
    TERMINALS = 3
    CUSTOMERS = 4


def draws(seed: int, stream: Stream, day: int = 0) -> np.random.Generator:
    """The random numbers of one stream on one day; the same arguments give the same numbers.

    numpy keeps a generator's numbers the same within a release series only; so does the simulator.
    """
    return np.random.default_rng((seed, stream, day))
