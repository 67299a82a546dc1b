"""What callers of a gateway ask: mostly new transactions, and what comes with them. All of it by a seed."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import date
from random import Random

import numpy as np

from load.columns import Transactions, concatenated
from load.documents import transaction_documents
from load.generator import simulate
from load.parameters import SimulatorParameters

NEW, AGAIN, LOOK_UP, BATCH = "score", "score again", "look up", "batch"
NOT_JSON, NO_CUSTOMER, UNKNOWN, OTHER_BODY = "not JSON", "no customer", "unknown id", "other body"
# Of a hundred questions. What stands for a known transaction becomes a new one while there is none.
MIX = {NEW: 75, AGAIN: 8, LOOK_UP: 8, BATCH: 4, NOT_JSON: 1, NO_CUSTOMER: 1, UNKNOWN: 2, OTHER_BODY: 1}
OF_KNOWN = (AGAIN, LOOK_UP, OTHER_BODY)
DECIDED = (200, 202)
BATCH_ITEMS = 20
REMEMBERED = 100
SCORE, MANY, DECISIONS = "/v1/score", "/v1/transactions:batch", "/v1/decisions/"


@dataclass(frozen=True, slots=True)
class Question:
    """kind: a name of MIX. expected: the statuses that are right. transactions: those in the body."""

    kind: str
    path: str
    expected: tuple[int, ...]
    body: bytes | None = None
    transactions: Transactions | None = None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


def transactions_of(customers: int, seed: int, day: date, currency: str) -> Transactions:
    """Two days of simulated ones, the given one last: callers take theirs from it, under ids of their own."""
    start = date.fromordinal(day.toordinal() - 1)
    days = simulate(SimulatorParameters(customers=customers), seed=seed, days=2, start=start)
    return replace(concatenated(list(days)), currency=currency)


class Caller:
    """One caller, who asks one question after the other.

    table: what it takes transactions from; it must not be empty. name: what its ids begin with, also what its
    draws go by, together with the seed.
    """

    def __init__(self, table: Transactions, name: str, seed: int) -> None:
        self._table = table
        self._name = name
        self._rng = Random(f"{seed}/{name}")
        self._row = self._rng.randrange(len(table))
        self._made = 0
        self._known: deque[Transactions] = deque(maxlen=REMEMBERED)

    def wait_s(self, mean_s: float) -> float:
        """How long until it asks again: as somebody who does not look at the clock."""
        return self._rng.expovariate(1 / mean_s)

    def ask(self) -> Question:
        (kind,) = self._rng.choices(list(MIX), list(MIX.values()))
        if kind in OF_KNOWN and not self._known:
            kind = NEW
        if kind in OF_KNOWN:
            return _about(kind, self._rng.choice(self._known))
        if kind == UNKNOWN:
            return Question(kind, f"{DECISIONS}{self._next_id()}", (404,))
        if kind == BATCH:
            many = self._next(BATCH_ITEMS)
            return Question(kind, MANY, (200,), b"[%b]" % b",".join(transaction_documents(many)), many)
        return self._about_a_new_one(kind)

    def hear(self, question: Question, status: int) -> None:
        """What is decided may be asked about later."""
        if question.kind == NEW and status == DECIDED[0] and question.transactions is not None:
            self._known.append(question.transactions)

    def _about_a_new_one(self, kind: str) -> Question:
        one = self._next(1)
        (document,) = transaction_documents(one)
        if kind == NOT_JSON:
            return Question(kind, SCORE, (422,), document[:-1])
        if kind == NO_CUSTOMER:
            return Question(kind, SCORE, (422,), document.replace(b'"customer_id"', b'"customer"'))
        return Question(kind, SCORE, DECIDED, document, one)

    def _next(self, count: int) -> Transactions:
        rows = np.arange(self._row, self._row + count) % len(self._table)
        self._row += count
        ids = np.array([self._next_id() for _ in range(count)], object)
        return replace(self._table[rows], transaction_id=ids)

    def _next_id(self) -> str:
        self._made += 1
        return f"{self._name}-{self._made}"


def _about(kind: str, known: Transactions) -> Question:
    if kind == LOOK_UP:
        return Question(kind, f"{DECISIONS}{known.transaction_id[0]}", (200,))
    if kind == OTHER_BODY:
        other = replace(known, amount_minor=known.amount_minor + 1)
        return Question(kind, SCORE, (409,), transaction_documents(other)[0])
    return Question(kind, SCORE, DECIDED, transaction_documents(known)[0], known)
