"""The customers of the simulator: what each spends, how often, and where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from load.columns import Ids, Ints
from load.parameters import DAY_S, SimulatorParameters
from load.reach import Reach


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Everything that holds for the whole run. Arrays have one entry per customer or terminal.

    `rate` (transactions per day) is 0 for a customer without a terminal in reach: such a customer never
    transacts, as published.
    """

    customer_id: Ids
    terminal_id: Ids
    mean_amount_minor: NDArray[np.float64]
    rate: NDArray[np.float64]
    reach: Reach


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Who pays when on one day, in the order of customers; shape (transactions,)."""

    customer: Ints
    second: Ints  # of the day


def populate(parameters: SimulatorParameters, rng: np.random.Generator) -> Population:
    """Places, mean amounts and rates, all uniform over their ranges."""
    customers, terminals = parameters.customers, parameters.terminals
    places = rng.uniform(0, parameters.side, (customers + terminals, 2))
    reach = Reach(places[:customers], places[customers:], radius=parameters.radius, side=parameters.side)
    return Population(
        customer_id=numbered(parameters.customer_prefix, customers),
        terminal_id=numbered(parameters.terminal_prefix, terminals),
        mean_amount_minor=rng.uniform(*parameters.mean_amount_minor, customers),
        rate=rng.uniform(*parameters.transactions_per_day, customers) * reach.someone(),
        reach=reach,
    )


def numbered(prefix: str, count: int, first: int = 0) -> Ids:
    """`prefix` with running numbers: numbered("c", 3) is c0, c1, c2."""
    ids = np.empty(count, object)
    ids[:] = [f"{prefix}{number}" for number in range(first, first + count)]
    return ids


def draw_visits(
    rate: NDArray[np.float64], parameters: SimulatorParameters, rng: np.random.Generator
) -> Visits:
    """One day: a Poisson number of payments per customer; what falls outside the day is dropped."""
    customer = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    # Truncated towards zero, and second 0 is left out, as published.
    second = rng.normal(*parameters.time_of_day_s, len(customer)).astype(np.int64)
    kept = (second > 0) & (second < DAY_S)
    return Visits(customer[kept], second[kept])


def draw_amounts(
    mean_minor: NDArray[np.float64], parameters: SimulatorParameters, rng: np.random.Generator
) -> Ints:
    """Normal around each mean; a negative one is drawn again, uniform over (0, 2 mean). Whole minor units."""
    amount = rng.normal(mean_minor, mean_minor * parameters.amount_sd_share)
    below = amount < 0
    amount[below] = rng.uniform(0, 2 * mean_minor[below])
    return np.rint(amount).astype(np.int64)
