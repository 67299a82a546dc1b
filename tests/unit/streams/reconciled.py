"""A worker's topics, ledger and view after some traffic, as a reconciliation reads them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from confluent_kafka import Message
from msgspec import structs

from api.publishing import value_of
from load.doubles import FakeBooks, FakeLedger, FakeOutbox, FakeTopics, FakeView, Row
from models.decision import DecidedTransaction, alert_of
from models.history import Retention
from streams.answered import Answered, Signer
from streams.arrivals import DeadLetter
from streams.codecs import TransactionCodec, encode
from streams.dead_letters import headers_of
from streams.offsets import Place
from streams.reconcile.outcome import Outcome
from streams.reconcile.positions import Standings
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Histories, Reconciliation
from streams.reconcile.stores import Stores, TopicNames
from streams.topics import Partition
from tests.builders import BROKER_MS, TOPIC_IDS, Log, Worker, transaction

NAMES = TopicNames(
    "transactions",
    "labels",
    "alerts",
    {"transactions": "transactions.dlq", "labels": "labels.dlq"},
    TOPIC_IDS,
)
EVERYTHING = Range()


def moment(offset: int) -> datetime:
    """When the broker took the record of an offset: one a second."""
    return datetime.fromtimestamp(_time_ms(offset) / 1000, UTC)


def _time_ms(offset: int) -> int:
    return BROKER_MS + offset * 1000


class Traffic:
    """A worker and the topics it has read. What a test damages is what it then must find."""

    def __init__(self, groups: int = 1, retention: Retention | None = None) -> None:
        self.retention = retention or Retention()
        self.ledger, self.view, self.outbox = FakeLedger(), FakeView(groups=groups), FakeOutbox()
        self.signer = Signer(b"of gateways and workers")
        self.worker = self._another_worker()
        self.logs = {"transactions": Log("transactions"), "labels": Log("labels")}
        for log in self.logs.values():
            log.partitions = {0: [], 1: []}
        self.books = FakeBooks(self.ledger)
        self.codec = TransactionCodec("EUR", 300_000)
        self.now = datetime.fromtimestamp(BROKER_MS / 1000 + 3600, UTC)
        self.alerts: list[DecidedTransaction] = self.outbox.alerts
        self.letters: list[DeadLetter] = self.outbox.dead
        self.foreign: dict[str, list[bytes | None]] = {}
        self.expired: dict[Place, int] = {}
        self.open: dict[Place, int] = {}
        self.holes: set[tuple[str, int, int]] = set()
        self.marks: dict[tuple[str, int, int], list[tuple[str, bytes]]] = {}

    def _another_worker(self) -> Worker:
        return Worker(self.ledger, self.view, self.outbox, retention=self.retention, signer=self.signer)

    # What happens.

    def send(self, *documents: Any, partition: int = 0, topic: str = "transactions") -> None:
        """Produce, and have the worker handle it."""
        self.produce(*documents, partition=partition, topic=topic)
        self.work(topic, partition)

    def label(self, *documents: Any, partition: int = 0) -> None:
        self.send(*documents, partition=partition, topic="labels")

    def produce(self, *documents: Any, partition: int = 0, topic: str = "transactions") -> None:
        self.logs[topic].produce(*documents, partition=partition)

    def send_answered(self, made: Answered, partition: int = 0) -> None:
        """A gateway produces what it has answered, and the worker handles it."""
        value = value_of(made.decided)
        place = ("transactions", partition, len(self.logs["transactions"].partitions[partition]))
        self.marks[place] = self.signer.headers(value, made)
        self.send(value, partition=partition)

    def work(self, topic: str, partition: int = 0) -> None:
        log = self.logs[topic]
        others = dict.fromkeys(set(log.partitions) - {partition}, 0)
        sweep = log.sweep(self.ledger.progress(TOPIC_IDS[topic], [partition]), others)
        records = [(topic, partition, at) not in self.holes for at in sweep.offset.tolist()]
        headers = [self.marks.get((topic, partition, at)) for at in sweep.offset.tolist()]
        self.worker.handle(replace(sweep, headers=headers).where(np.array(records, np.bool_)))

    def give_back(self, offset: int, partition: int = 0, *, to: int = 0) -> None:
        """A parked label is produced again, and parked no longer."""
        value = self.logs["labels"].partitions[partition][offset]
        self.produce(value, partition=to, topic="labels")
        del self.ledger.parked["labels-id", partition, offset]

    def set_aside(self, topic: str, partition: int, offset: int, reason: str) -> None:
        """A record that came last is a dead letter, and done."""
        value = self.logs[topic].partitions[partition][offset]
        place = (topic, TOPIC_IDS[topic], partition, offset)
        self.letters.append(DeadLetter(*place, _time_ms(offset), b"key", value, reason, ""))
        self.ledger.dead[TOPIC_IDS[topic], partition, offset] = (reason, "")
        self.settle(topic, partition, offset + 1)

    def settle(self, topic: str, partition: int, offset: int) -> None:
        """Everybody is done with what is below an offset, and the worker has restarted there."""
        self.worker = self._another_worker()
        self.ledger.next_offsets[Partition(TOPIC_IDS[topic], partition)] = offset
        self.outbox.offsets[topic, partition] = offset

    def leave_hole(self, topic: str = "transactions", partition: int = 0) -> None:
        """The next offset is taken by a marker of a transaction."""
        log = self.logs[topic].partitions[partition]
        self.holes.add((topic, partition, len(log)))
        log.append(None)

    # What a reconciliation reads.

    def topics(self) -> FakeTopics:
        logs: dict[str, dict[int, list[Message | None]]] = {
            topic: {number: self._records(topic, number, values) for number, values in log.partitions.items()}
            for topic, log in self.logs.items()
        }
        logs["alerts"] = {
            0: [_message("alerts", at, encode(alert_of(each))) for at, each in enumerate(self.alerts)]
        }
        for topic, letters in NAMES.letters.items():
            mine = [letter for letter in self.letters if letter.topic == topic]
            logs[letters] = {
                0: [_message(letters, at, each.value, headers_of(each)) for at, each in enumerate(mine)]
            }
        for topic, values in self.foreign.items():
            last = len(logs[topic][0])
            logs[topic][0] += [_message(topic, last + at, value) for at, value in enumerate(values)]
        return FakeTopics(logs, self.outbox.offsets, self.expired, self.open)

    def _records(self, topic: str, number: int, values: list[bytes | None]) -> list[Message | None]:
        return [
            None
            if (topic, number, at) in self.holes
            else _message(topic, at, value, dict(self.marks.get((topic, number, at), ())), number)
            for at, value in enumerate(values)
        ]

    def stores(self) -> Stores:
        return Stores(
            log=self.topics(),
            books=self.books,
            ledger=self.ledger,
            view=self.view,
            names=NAMES,
            codec=self.codec,
            signer=self.signer,
            retention=self.retention,
            now=lambda: self.now,
        )

    def outcome(
        self,
        within: Range = EVERYTHING,
        histories: Histories = "all",
        before: Standings | None = None,
        stores: Stores | None = None,
    ) -> Outcome:
        return Reconciliation(stores or self.stores(), within, before).run(histories)

    def reconcile(self, within: Range = EVERYTHING) -> dict[str, Any]:
        return self.outcome(within, "all" if within.whole else "range").document()

    def found(self, check: str, within: Range = EVERYTHING) -> list[str]:
        """The first of what one check found."""
        first: list[str] = self.reconcile(within)["checks"][check]["first"]
        return first

    def findings(self) -> dict[str, int]:
        """How much each check has found, of those that found something."""
        checks: Mapping[str, Any] = self.reconcile()["checks"]
        return {name: check["findings"] for name, check in checks.items() if check["findings"]}


def _message(
    topic: str,
    offset: int,
    value: bytes | None,
    headers: Mapping[str, bytes] | None = None,
    partition: int = 0,
) -> Message:
    return Message(
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"key",
        value=value,
        headers=list((headers or {}).items()),
        timestamp=(1, _time_ms(offset)),
    )


def decided_by_rest(world: Traffic, name: str, **fields: Any) -> None:
    """The gateway has decided a transaction when the first record came, and its own record has not come."""
    gateway = Traffic()
    gateway.send(transaction(name, **fields))
    row = gateway.ledger.rows[name]
    row.owner = None
    world.ledger.rows[name] = row
    change(row, path="rest", decided_at=moment(0))


def change(row: Row, **fields: Any) -> None:
    """Somebody writes to the ledger."""
    row.decided = structs.replace(row.decided, **fields)
