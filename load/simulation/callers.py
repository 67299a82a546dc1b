"""Callers of the gateways: what they ask, what they are told, and how often they ask again."""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import msgspec

from api.answering import Answer
from load.simulation.inputs import Inputs, Truth
from models.decision import body_of
from models.errors import FraudError, InFlight, NoTimeLeft
from models.transaction import Transaction
from streams.codecs import encode

Body = tuple[object, ...]
AGAIN_AFTER_ERROR, AGAIN_AFTER_ANSWER, OTHERWISE = 0.7, 0.3, 0.2
HANGS_UP = 0.05
MOST_TIMES = 5


class Told(NamedTuple):
    """What one request was told. answer: None where the connection broke. process: which gateway. era: of the
    ledger."""

    asked: Transaction
    answer: Answer | FraudError | None
    process: str
    era: int

    @property
    def name(self) -> str:
        return self.asked.transaction_id

    @property
    def body(self) -> Body:
        return body_of(self.asked)


@dataclass
class Callers:
    """again: what will be asked once more. asked: every body of an id that a gateway was asked for."""

    random: Random
    inputs: Inputs
    told: list[Told] = field(default_factory=list)
    again: list[Transaction] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)

    def asks(self, transaction: Transaction) -> None:
        """Somebody is about to ask: what we know of the body, whatever becomes of it."""
        self.times[transaction.transaction_id] = self.times.get(transaction.transaction_id, 0) + 1
        document = msgspec.to_builtins(transaction)
        document = {name: value for name, value in document.items() if value is not None}
        document["event_time"] = transaction.event_time.isoformat()
        self.inputs.truths.setdefault(encode(transaction), Truth("good", document))

    def tell(self, asked: Transaction, answer: Answer | FraudError | None, process: str, era: int) -> None:
        """One request is over; whoever hung up has not heard how."""
        if isinstance(answer, Answer) and self.random.random() < HANGS_UP:
            answer = NoTimeLeft("the caller has hung up")
        self.told.append(Told(asked, answer, process, era))
        lost = answer is None or isinstance(answer, FraudError)
        chance = AGAIN_AFTER_ERROR if lost else AGAIN_AFTER_ANSWER
        if self.times[asked.transaction_id] < MOST_TIMES and self.random.random() < chance:
            self.again.append(self._changed(asked) if self.random.random() < OTHERWISE else asked)

    def refuse(self, asked: Transaction, process: str, era: int) -> None:
        self.tell(asked, InFlight(asked.transaction_id), process, era)

    def _changed(self, asked: Transaction) -> Transaction:
        return msgspec.structs.replace(
            asked, amount_minor=asked.amount_minor + self.random.choice((3, 70_000))
        )
