"""A worker's topics, ledger and view after some traffic, as a reconciliation reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Message

from load.doubles import FakeLedger, FakeOutbox, FakeView
from models.decision import DecidedTransaction, alert_of
from models.history import Retention
from streams.codecs import TransactionCodec, encode
from streams.ledger.scan import MarkRow, OwnedRow
from streams.offsets import Place
from streams.reconcile import Reconciliation
from tests.builders import TOPIC_IDS, Log, Worker
from tests.unit.streams.scripted_kafka import message


class FakeScan:
    """`streams.ledger.scan.LedgerScan` over a ledger in memory."""

    def __init__(self, ledger: FakeLedger) -> None:
        self._ledger = ledger

    def decisions(self) -> Iterator[list[OwnedRow]]:
        for row in self._ledger.rows.values():
            yield [OwnedRow(*(row.owner or (None, None, None)), *_fields(row.decided))]

    def marks(self) -> Iterator[list[MarkRow]]:
        for row in self._ledger.labels.values():
            decided = self._ledger.rows[row.label.transaction_id].decided
            if row.delta and not decided.late:
                time_s = int(decided.event_time.timestamp())
                yield [MarkRow(*row.owner, decided.terminal_id, time_s, row.delta)]


def _fields(decided: DecidedTransaction) -> tuple[Any, ...]:
    return (
        decided.transaction_id,
        decided.decision,
        decided.late,
        decided.customer_id,
        decided.terminal_id,
        decided.amount_minor,
        int(decided.event_time.timestamp()),
    )


class FakeReader:
    """`streams.log_reader.LogReader` over topics in memory."""

    def __init__(self, topics: Mapping[str, Mapping[int, list[Message]]]) -> None:
        self.topics = topics
        self.first: Mapping[Place, int] = {}
        self.committed_offsets: Mapping[Place, int] = {}

    def committed(self, topic: str) -> dict[int, int]:
        return {number: at for (name, number), at in self.committed_offsets.items() if name == topic}

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        logs = self.topics[topic]
        return {number: (self.first.get((topic, number), 0), len(log)) for number, log in logs.items()}

    def read(self, topic: str, until: Mapping[int, int]) -> Iterator[list[Message]]:
        for number, end in until.items():
            for found in self.topics[topic][number][self.first.get((topic, number), 0) : end]:
                yield [found]


class Traffic:
    """A worker and the topic it has read. What a test damages is what it then must find."""

    def __init__(self, groups: int = 1, retention: Retention | None = None) -> None:
        self.retention = retention or Retention()
        self.ledger, self.view, self.outbox = FakeLedger(), FakeView(groups=groups), FakeOutbox()
        self.worker = Worker(self.ledger, self.view, self.outbox, retention=self.retention)
        self.log = Log()
        self.first: dict[Place, int] = {}
        self.codec = TransactionCodec("EUR", 300_000)

    def send(self, *documents: Any, partition: int = 0) -> None:
        """Produce, and have the worker handle it."""
        self.log.produce(*documents, partition=partition)
        start = self.ledger.progress("transactions-id", [partition])
        self.worker.handle(self.log.sweep(start, dict.fromkeys(set(self.log.partitions) - {partition}, 0)))

    def alerts(self) -> list[Message]:
        return [
            message(("alerts", 0), offset, encode(alert_of(decided)))
            for offset, decided in enumerate(self.outbox.alerts)
        ]

    def reader(self) -> FakeReader:
        transactions = {
            number: [message(("transactions", number), at, value) for at, value in enumerate(values)]
            for number, values in self.log.partitions.items()
        }
        found = FakeReader({"transactions": transactions, "alerts": {0: self.alerts()}})
        found.committed_offsets = self.outbox.offsets
        found.first = self.first
        return found

    def reconcile(self) -> dict[str, Any]:
        log: Any = self.reader()
        scan: Any = FakeScan(self.ledger)
        return Reconciliation(
            log=log,
            ledger=self.ledger,
            scan=scan,
            view=self.view,
            codec=self.codec,
            retention=self.retention,
            transactions_topic="transactions",
            alerts_topic="alerts",
            topic_ids=TOPIC_IDS,
        ).run()

    def found(self, check: str) -> list[str]:
        """The first of what one check found."""
        first: list[str] = self.reconcile()["checks"][check]["first"]
        return first
