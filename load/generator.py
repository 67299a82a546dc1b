"""Seeded, labelled transactions of any number of customers, a UTC day at a time.

The simulator of the Fraud Detection Handbook, written anew from its published parameters (Le Borgne et al.,
Reproducible Machine Learning for Credit Card Fraud Detection, ch. 3). What differs, so that a stream need
not know its end: frauds begin on every day (published: not on the last one), and the third of a compromised
customer's transactions is taken of all 14 days, also when the run ends before they do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from load.columns import DAY_MS, Flags, Ints, Transactions, midnight_ms
from load.parameters import SimulatorParameters, Stream, draws
from load.population import Visits, draw_amounts, draw_visits, numbered, populate
from load.scenarios import CompromisedCustomers, CompromisedTerminals
from models.errors import BadSetting

START = date(2018, 4, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """One day's transactions in the order of customers; the frauds change `amount_minor` and `scenario`."""

    visits: Visits
    terminal: Ints
    amount_minor: Ints
    scenario: Flags


def simulate(
    parameters: SimulatorParameters, *, seed: int, days: int, start: date = START, prefix: str = "tx"
) -> Iterator[Transactions]:
    """The transactions of each day, in time order, with label and scenario; a day may have none.

    The same arguments give the same table, byte for byte, and a run of more days begins with the same days.
    Transaction ids are `prefix` and a running number from 0 in time order; equal seconds go by customer.

    Raises:
        BadSetting: seed or days is negative.
    """
    if seed < 0 or days < 0:
        raise BadSetting(f"seed {seed}, days {days}", next_step="give numbers that are not negative")
    population = populate(parameters, draws(seed, Stream.POPULATION))

    def visits_on(day: int) -> Visits:
        return draw_visits(population.rate, parameters, draws(seed, Stream.VISITS, day))

    terminals = CompromisedTerminals(parameters, seed)
    customers = CompromisedCustomers(parameters, seed, lambda day: visits_on(day).customer)
    issued = 0
    for day in range(days):
        visits, rng = visits_on(day), draws(seed, Stream.PURCHASES, day)
        amount_minor = draw_amounts(population.mean_amount_minor[visits.customer], parameters, rng)
        terminal = population.reach.draw(visits.customer, rng)
        purchases = Purchases(visits, terminal, amount_minor, np.zeros(len(terminal), np.int8))
        defraud(purchases, day, terminals, customers, parameters)
        order = np.argsort(visits.second, kind="stable")
        yield Transactions(
            transaction_id=numbered(prefix, len(order), issued),
            customer_id=population.customer_id[visits.customer[order]],
            terminal_id=population.terminal_id[terminal[order]],
            amount_minor=amount_minor[order],
            event_time_ms=midnight_ms(start) + day * DAY_MS + visits.second[order] * 1000,
            label=(purchases.scenario[order] > 0).astype(np.int8),
            scenario=purchases.scenario[order],
        )
        issued += len(order)


def defraud(
    purchases: Purchases,
    day: int,
    terminals: CompromisedTerminals,
    customers: CompromisedCustomers,
    parameters: SimulatorParameters,
) -> None:
    """The three scenarios in their published order: a later one writes over an earlier one's label.

    Two frauds may strike the same transaction, which then grows by the factor twice.
    """
    terminals.begin(day)
    customers.begin(day)
    purchases.scenario[purchases.amount_minor > parameters.large_amount_minor] = 1
    purchases.scenario[terminals.hit(day, purchases.terminal)] = 2
    struck = customers.rows(day, purchases.visits.customer)
    purchases.scenario[struck] = 3
    np.multiply.at(purchases.amount_minor, struck, parameters.compromised_amount_factor)
