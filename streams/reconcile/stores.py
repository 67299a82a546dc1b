"""What a reconciliation reads, and what it must know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.history import Retention
from streams.answered import Signer
from streams.codecs import TransactionCodec
from streams.ports import Ledger, View
from streams.reconcile.ports import Books, Topics

Say = Callable[[str], None]


@dataclass(frozen=True)
class TopicNames:
    """letters: the dead-letter topics of the two that workers read. ids: Kafka's ids of these two."""

    transactions: str
    labels: str
    alerts: str
    letters: Mapping[str, str]
    ids: Mapping[str, str]

    @property
    def inputs(self) -> tuple[str, str]:
        return (self.transactions, self.labels)

    @property
    def outputs(self) -> dict[str, str]:
        """Topics that workers send to, and the one whose records they answer."""
        letters = {self.letters[topic]: topic for topic in self.inputs}
        return {self.alerts: self.transactions, **letters}


@dataclass(frozen=True)
class Stores:
    """now: the time. say: hears what is being read."""

    log: Topics
    books: Books
    ledger: Ledger
    view: View
    names: TopicNames
    codec: TransactionCodec
    signer: Signer
    retention: Retention
    now: Callable[[], datetime]
    say: Say = lambda text: None
