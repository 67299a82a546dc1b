"""From requests to answers: decided by the worker's own code, and durable before anybody hears of them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from api.breaker import Breaker
from models.decision import DecidedTransaction, body_of
from models.errors import AnswerLost, FraudError, OtherBody, Refused, Unavailable
from models.transaction import Transaction, ms_of_time
from streams.answered import Answered
from streams.arrivals import Batch
from streams.deciding import Decider, Histories, Names
from streams.healing import ViewKeeper
from streams.ports import AnswerLedger
from streams.verdicts import decided_row

Durable = Literal["ledger", "log"]
# Answers made while the ledger was away: whoever asks again hears the same, even if no worker has stored
# them yet when it is back.
REMEMBERED = 20_000


class Answer(NamedTuple):
    """durable: where it is written: in the ledger, or, while that is away, in Kafka."""

    decided: DecidedTransaction
    durable: Durable


class AnswerLog(Protocol):
    """Kafka, as the gateway sees it: the answers' records, each under its signature."""

    def send(self, answers: Sequence[Answered]) -> None:
        """On their way; what does not arrive is sent again later, from the ledger's rows."""

    def send_durably(self, answers: Sequence[Answered]) -> set[str]:
        """The ids of those that Kafka has for sure, within the time that an answer may take."""


class Answering:
    """Decides sweeps of requests, by the same code as a worker's. Not for several threads at once.

    Where histories cannot be read it decides without, and the answer says so; a ledger that cannot be
    reached leaves Kafka as the place to be durable. A breaker before each keeps a sweep from waiting for
    what has failed often. failed: called with the dependency that failed.
    """

    def __init__(
        self,
        *,
        ledger: AnswerLedger,
        keeper: ViewKeeper,
        decider: Decider,
        log: AnswerLog,
        ledger_breaker: Breaker,
        view_breaker: Breaker,
        failed: Callable[[str], None] = lambda dependency: None,
    ) -> None:
        self._ledger = ledger
        self._keeper = keeper
        self._decider = decider
        self._log = log
        self._ledger_breaker = ledger_breaker
        self._view_breaker = view_breaker
        self._failed = failed
        self._made: OrderedDict[str, Answered] = OrderedDict()

    def answer(self, asked: Sequence[Transaction]) -> list[Answer | FraudError]:
        """One for each, in their order; their ids differ. An error is OtherBody or AnswerLost."""
        answers = [self._made.get(each.decided.transaction_id, each) for each in self._decided(asked)]
        try:
            with self._ledger_breaker.call():
                standing = self._ledger.answer(answers)
        except Unavailable:
            self._failed("postgres")
            return self._logged(asked, answers)
        self._log.send([each for each in answers if each.decided.transaction_id not in standing])
        return [
            _told(transaction, standing.get(transaction.transaction_id, made.decided), "ledger")
            for transaction, made in zip(asked, answers, strict=True)
        ]

    def _decided(self, asked: Sequence[Transaction]) -> list[Answered]:
        batch = batch_of(asked)
        names = Names(batch)
        rows, _ = self._decider.decide(batch, names, self._histories(names))
        return [Answered(decided_row(rows, row), rows.features[row].copy()) for row in range(len(batch))]

    def _histories(self, names: Names) -> Histories | None:
        try:
            with self._view_breaker.call():
                return self._keeper.read("", {}, names.ids)
        except (Unavailable, Refused):
            self._failed("redis")
            return None

    def _logged(self, asked: Sequence[Transaction], answers: Sequence[Answered]) -> list[Answer | FraudError]:
        """The ledger is away: Kafka keeps the answers until workers can write them."""
        written = self._log.send_durably(answers)
        self._made.update((each.decided.transaction_id, each) for each in answers)
        while len(self._made) > REMEMBERED:
            self._made.popitem(last=False)
        return [
            _told(transaction, made.decided, "log") if transaction.transaction_id in written else AnswerLost()
            for transaction, made in zip(asked, answers, strict=True)
        ]


def _told(transaction: Transaction, decided: DecidedTransaction, durable: Durable) -> Answer | FraudError:
    if body_of(decided) != body_of(transaction):
        return OtherBody(transaction.transaction_id)
    return Answer(decided, durable)


def batch_of(asked: Sequence[Transaction]) -> Batch:
    """Requests as columns; they have no places in a log."""
    count = len(asked)
    return Batch(
        [each.transaction_id for each in asked],
        [each.customer_id for each in asked],
        [each.terminal_id for each in asked],
        np.fromiter((each.amount_minor for each in asked), np.int64, count),
        np.fromiter((ms_of_time(each.event_time) for each in asked), np.int64, count),
        [each.attributes for each in asked],
        np.zeros(count, np.int64),
        np.arange(count, dtype=np.int64),
    )
