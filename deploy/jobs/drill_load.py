"""What a drill is told, and what it has workers and gateways do meanwhile."""

from dataclasses import dataclass

import numpy as np

from load.chaos.callers import Question
from load.chaos.paths import of_others, questions_of, split
from load.chaos.tally import Expected, replayed
from load.columns import Transactions, concatenated
from load.generator import simulate
from load.parameters import SimulatorParameters

DAYS = 30
PER_CUSTOMER_AND_DAY = 1.8
FAULT_S = 13.0  # about what a fault takes, with some rest after it
ASKED_PER_S = 20.0


@dataclass(frozen=True)
class Orders:
    """What a drill is told. rate: transactions per second; None leaves each fault its time.

    only: names of faults; all when empty. mixed: the same customers by Kafka and REST at once, a fifth of the
    transactions by both; else callers ask about others, beside the replay.
    """

    transactions: int
    seed: int
    faults: int
    rate: float | None = None
    only: tuple[str, ...] = ()
    mixed: bool = False

    @property
    def seconds(self) -> float:
        return self.transactions / self.rate if self.rate else self.faults * FAULT_S


@dataclass(frozen=True)
class Load:
    """streamed: what of the table is replayed by Kafka. questions: what callers ask, in the same order."""

    table: Transactions
    streamed: Transactions
    questions: list[Question]
    expected: Expected


def load_of(orders: Orders) -> Load:
    table = _table(orders)
    if orders.mixed:
        streamed, asked = split(table, np.random.default_rng(orders.seed))
    else:
        streamed, asked = table, of_others(table[: int(orders.seconds * ASKED_PER_S)])
    ids = set(asked.transaction_id.tolist())
    # A decision by REST sees what had been applied by then, so no other run gives these features.
    of_stream = Expected(set(streamed.transaction_id.tolist()), ids)
    return Load(table, streamed, questions_of(asked), of_stream if orders.mixed else replayed(streamed, ids))


def _table(orders: Orders) -> Transactions:
    customers = int(orders.transactions / DAYS / PER_CUSTOMER_AND_DAY) + 1
    days = simulate(SimulatorParameters(customers=customers), seed=orders.seed, days=2 * DAYS)
    found: list[Transactions] = []
    for day in days:
        found.append(day)
        if sum(map(len, found)) >= orders.transactions:
            break
    return concatenated(found)[: orders.transactions]
