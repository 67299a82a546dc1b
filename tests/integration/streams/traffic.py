"""Traffic through a worker's pipeline on real stores, for a reconciliation to look at."""

import secrets
from itertools import chain
from typing import Any

import psycopg
from confluent_kafka import Message, Producer
from redis import Redis

from api.publishing import value_of
from deploy.jobs.reconciling import names_of, stores_of
from deploy.stack.report import Report
from streams.answered import Answered, Signer
from streams.gathering import sweep_of
from streams.kafka import producer_config, reader_config
from streams.ledger import PostgresLedger
from streams.log_reader import LogReader
from streams.reconcile.outcome import Outcome
from streams.reconcile.positions import Standings
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Reconciliation
from streams.secret_files import answer_key_of
from streams.settings import Settings
from streams.view import RedisView
from tests.builders import Worker, encoded
from tests.contracts.kafka_worlds import RealKafkaWorld

WAIT_S = 30.0


class RealTraffic:
    """One worker on topics, a database and a keyspace of its own; and whoever damages what is in them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kafka = RealKafkaWorld(settings)
        self.ledger = PostgresLedger(settings.database_url, WAIT_S, "traffic")
        self.view = RedisView(settings.redis_url, WAIT_S)
        self.signer = Signer(answer_key_of(settings, secrets.token_bytes))
        self.worker = Worker(self.ledger, self.view, self.kafka.outbox(), signer=self.signer)
        self.names = names_of(settings)
        self._reader = LogReader(reader_config(settings, "traffic"), WAIT_S)
        self._producer = Producer(producer_config(settings, "traffic"))
        self.operator = psycopg.connect(settings.database_url, autocommit=True)
        self.redis: Any = Redis.from_url(settings.redis_url, socket_timeout=WAIT_S)

    def close(self) -> None:
        for each in (self.kafka, self.ledger, self.view, self._reader, self.operator, self.redis):
            each.close()

    # What happens.

    def send(self, *documents: Any, partition: int = 0) -> None:
        """Produce transactions, and have the worker handle them."""
        self.produce(self.names.transactions, partition, *map(encoded, documents))
        self._work(self.names.transactions, partition)

    def send_answered(self, made: Answered) -> None:
        """A gateway produces what it has answered, and the worker handles it."""
        value = value_of(made.decided)
        self.produce(self.names.transactions, 0, value, headers=self.signer.headers(value, made))
        self._work(self.names.transactions, 0)

    def label(self, *documents: Any, partition: int = 0) -> None:
        self.produce(self.names.labels, partition, *map(encoded, documents))
        self._work(self.names.labels, partition)

    def produce(self, topic: str, partition: int, *values: bytes | None, headers: Any = None) -> None:
        for value in values:
            self._producer.produce(topic, value, b"key", partition, headers=headers)
        assert self._producer.flush(WAIT_S) == 0

    def leave_hole(self) -> None:
        """A transaction on the first partition of `transactions` is given up: its offsets stay empty."""
        config = producer_config(self.settings, "holes") | {
            "transactional.id": f"{self.names.transactions}-holes"
        }
        producer = Producer(config)
        producer.init_transactions(WAIT_S)
        producer.begin_transaction()
        producer.produce(self.names.transactions, b"given up", partition=0)
        producer.flush(WAIT_S)
        producer.abort_transaction(WAIT_S)
        # Kafka marks the end a little later: until then the next record would take the marker's offset.
        self.sent(self.names.transactions)

    def _work(self, topic: str, partition: int) -> None:
        topic_id = self.names.ids[topic]
        start = self.ledger.progress(topic_id, [partition])
        messages = list(chain.from_iterable(self._reader.read(topic, self._until(topic, partition), start)))
        sweep = sweep_of(topic, topic_id, messages, self.kafka.group())
        pipeline = self.worker.transactions if topic == self.names.transactions else self.worker.labels
        pipeline.handle(sweep)
        self.kafka.commit_owed()

    def _until(self, topic: str, partition: int) -> dict[int, int]:
        return {partition: self._reader.written(topic)[partition]}

    # What is there, and how it is damaged.

    def sent(self, topic: str) -> list[Message]:
        return list(chain.from_iterable(self._reader.read(topic, self._reader.written(topic))))

    def execute(self, statement: str, *values: Any) -> None:
        done = self.operator.execute(statement, values)
        assert done.rowcount > 0, f"{statement} has changed nothing"

    def history(self, short: str) -> bytes:
        """The key of a history, by the end of it."""
        (key,) = self.redis.keys(f"*:{short}")
        return bytes(key)

    def reconcile(self, within: Range, before: Standings | None = None) -> Outcome:
        with stores_of(self.settings, Report()) as stores:
            return Reconciliation(stores, within, before).run("all" if within.whole else "range")
