"""From requests to answers: decided by the worker's own code, and durable before anybody hears of them."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from api.breaker import URGENT, Breaker
from models.archived import ArchivedDecision
from models.decision import DecidedTransaction, body_of
from models.errors import (
    AnswerLost,
    BreakerOpen,
    FraudError,
    LedgerUnavailable,
    OtherBody,
    Refused,
    SchemaUnknown,
    Unavailable,
)
from models.transaction import Transaction, ms_of_time
from streams.answered import Answered
from streams.arrivals import Batch
from streams.deciding import Decider, Histories, Names
from streams.healing import ViewKeeper
from streams.ports import AnswerLedger
from streams.verdicts import decided_row

Durable = Literal["ledger", "log"]
# So many answers a process remembers: whoever asks it again hears the same while the ledger is away, and when
# it is back before a worker has stored them.
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
        self._urgent_breaker = ledger_breaker.under(URGENT)
        self._view_breaker = view_breaker
        self._failed = failed
        self._remembered: OrderedDict[str, Answered] = OrderedDict()

    def answer(self, asked: Sequence[Transaction]) -> list[Answer | FraudError]:
        """One for each, in their order; their ids differ. An error is OtherBody or AnswerLost."""
        made = self._decided(asked)
        known = [self._remembered.get(each.decided.transaction_id, each) for each in made]
        # A decision of the stream is a record's: it is not ours to write where the ledger has it no more.
        ours = [old if old.decided.path == "rest" else new for old, new in zip(known, made, strict=True)]
        try:
            return self._ledgered(asked, ours, self._ledger_breaker)
        except (Unavailable, SchemaUnknown) as error:
            self._failed("postgres")
            told = self._logged(asked, known)
            if not isinstance(error, BreakerOpen) or not any(isinstance(each, AnswerLost) for each in told):
                return told
        try:
            # It was not asked, and nothing else can keep these: it may only have been slow.
            return self._ledgered(asked, ours, self._urgent_breaker)
        except (Unavailable, SchemaUnknown):
            return told

    def _ledgered(
        self, asked: Sequence[Transaction], answers: Sequence[Answered], breaker: Breaker
    ) -> list[Answer | FraudError]:
        with breaker.call():
            standing = self._ledger.answer(answers)
        new = [each for each in answers if each.decided.transaction_id not in standing]
        self._log.send(new)
        # What was archived is not remembered: nothing of it may go to Kafka again.
        self._remember([*new, *(each for each in standing.values() if isinstance(each, Answered))])
        return [
            _ledger_told(transaction, standing.get(transaction.transaction_id, each))
            for transaction, each in zip(asked, answers, strict=True)
        ]

    def _decided(self, asked: Sequence[Transaction]) -> list[Answered]:
        """Each counts what workers have applied, not the others: any of them may be counted already."""
        batch = batch_of(asked)
        names = Names(batch)
        rows = self._decider.decide_apart(batch, names, self._histories(names))
        return [Answered(decided_row(rows, row), rows.features[row].copy()) for row in range(len(batch))]

    def _histories(self, names: Names) -> Histories | None:
        try:
            with self._view_breaker.call():
                return self._read(names)
        except (Unavailable, Refused):
            self._failed("redis")
            return None

    def _read(self, names: Names) -> Histories | None:
        """None where they must be healed first, and the ledger cannot be asked: no failure of Redis."""
        try:
            return self._keeper.read("", {}, names.ids)
        except (LedgerUnavailable, SchemaUnknown):
            return None

    def _logged(self, asked: Sequence[Transaction], answers: Sequence[Answered]) -> list[Answer | FraudError]:
        """The ledger is away: Kafka keeps what is not refused until workers can write it."""
        told = [
            _told(transaction, each.decided, "log") for transaction, each in zip(asked, answers, strict=True)
        ]
        kept = [each for each, answer in zip(answers, told, strict=True) if isinstance(answer, Answer)]
        self._remember(answers)
        written = self._log.send_durably(kept)
        lost = {each.decided.transaction_id for each in kept} - written
        if lost:
            self._failed("kafka")
        return [
            AnswerLost() if transaction.transaction_id in lost else answer
            for transaction, answer in zip(asked, told, strict=True)
        ]

    def _remember(self, answers: Sequence[Answered]) -> None:
        self._remembered.update((each.decided.transaction_id, each) for each in answers)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def _ledger_told(transaction: Transaction, held: Answered | ArchivedDecision) -> Answer | FraudError:
    if isinstance(held, Answered):
        return _told(transaction, held.decided, "ledger")
    if not held.fits(body_of(transaction)):
        return OtherBody(transaction.transaction_id)
    return Answer(held.about(transaction), "ledger")


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
