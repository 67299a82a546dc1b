"""The gateway's parts and how they fit. Nothing connects before it is opened."""

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from random import Random
from threading import Event, Thread

import structlog
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry

from api.access import Access
from api.answering import Answer, Answering
from api.breaker import Breaker
from api.deadline import Deadline
from api.gathering import Gathering
from api.key_ring import running_key_ring
from api.limits import Limits, LocalLimit, SharedLimit
from api.metrics import ApiMetrics
from api.posting import Posting
from api.producing import Producing
from api.publishing import KafkaAnswerLog
from api.relay import Relay
from models.decision import DecidedTransaction
from models.errors import FraudError, NoTimeLeft, Unavailable
from models.history import Retention
from models.transaction import Transaction
from streams.answered import Signer
from streams.deciding import Decider
from streams.healer import Healer
from streams.kafka import client_config, producer_config, topic_ids
from streams.keeping import heal_over_own_connections, keeper_of
from streams.ledger import PostgresLedger
from streams.ledger.rules import PostgresRules
from streams.metrics import Metrics
from streams.models_in_force import InForce
from streams.opening import patience
from streams.secret_files import answer_key_of
from streams.settings import Settings
from streams.view import RedisView
from streams.watcher import Watcher

log = structlog.get_logger(__name__)

# Of the 250 ms that an answer may take; what is left is for everything around them.
LIMIT_S, VIEW_S, LEDGER_S, LOG_S = 0.02, 0.03, 0.08, 0.06
POST_S = 5.0


class Gateway:
    """Everything a gateway process is made of."""

    access: Access  # once it is opened

    def __init__(self, settings: Settings) -> None:
        self.currency = settings.currency
        self.ahead_ms = int(settings.clock_ahead_s * 1000)
        self.transactions_topic, self.labels_topic = settings.transactions_topic, settings.labels_topic
        self.metrics = ApiMetrics(CollectorRegistry())
        self.metrics_here = settings.prometheus_enabled
        self._settings = settings
        self._worker_metrics = Metrics(CollectorRegistry())
        self._stop, self._opened = Event(), Event()
        self._topic_id = ""
        self._exits = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sweep")
        self._lookups = ThreadPoolExecutor(1, thread_name_prefix="lookup")
        self._ledger = self._connected("fraudml-gateway", LEDGER_S)
        self._lookup_ledger = self._connected("fraudml-lookup", settings.ledger_timeout_s)
        self._view = RedisView(settings.redis_url, VIEW_S, settings.state_groups)
        rules = PostgresRules(settings.database_url, settings.ledger_timeout_s, "fraudml-gateway-rules")
        in_force = InForce(settings, rules.in_force, self._worker_metrics.refused_model)
        self._watcher = Watcher(in_force.look, self._worker_metrics, random=Random())
        self._producing = Producing(producer_config(settings, "gateway"))
        self._posting = Posting(self._producing, POST_S)
        self._log = KafkaAnswerLog(
            self._producing,
            settings.transactions_topic,
            topic_id=lambda: self._topic_id,
            signer=Signer(answer_key_of(settings, secrets.token_bytes)),
            within_s=LOG_S,
        )
        self._relay = Relay(
            self._connected("fraudml-relay", settings.ledger_timeout_s),
            places=self._log.take_places,
            send=self._log.send,
            topic_id=self._look_up_topic,
        )
        self._scoring: Gathering[Transaction, Answer] = Gathering(
            self._answering().answer, lambda transaction: transaction.transaction_id, self._thread
        )

    def _connected(self, application: str, timeout_s: float) -> PostgresLedger:
        return PostgresLedger(self._settings.database_url, timeout_s, application)

    def _answering(self) -> Answering:
        return Answering(
            ledger=self._ledger,
            keeper=keeper_of(
                self._ledger, self._view, self._worker_metrics, heal_apart=Healer(self._heal_apart).start
            ),
            decider=Decider(
                scorer=lambda: self._watcher.scorer,
                retention=Retention(),
                currency=self.currency,
                path="rest",
                now=lambda: datetime.now(UTC),
                metrics=self._worker_metrics,
            ),
            log=self._log,
            ledger_breaker=Breaker("postgres", time.monotonic),
            view_breaker=Breaker("redis", time.monotonic),
            failed=self.metrics.failed,
        )

    def _heal_apart(self) -> None:
        """While requests are answered without histories."""
        heal_over_own_connections(self._settings, "fraudml-gateway-healer", self._worker_metrics)

    def open(self) -> None:
        """Begin; ready once there is a model, a ledger and a topic."""
        settings = self._settings
        ring = self._exits.enter_context(running_key_ring(settings))
        self._limit = SharedLimit(settings.redis_url, LIMIT_S)
        limits = Limits(
            self._limit,
            LocalLimit(time.monotonic),
            settings.gateway_processes,
            Breaker("redis", time.monotonic),
            lambda: self.metrics.failed("redis"),
        )
        self.access = Access(
            lambda presented: ring.verify(presented, datetime.now(UTC)),
            lambda key: limits.ask(key.key_id, key.limit_per_minute),
        )
        self._producing.start()
        Thread(target=self._open, name="opening", daemon=True).start()

    def _open(self) -> None:
        """Whatever is missing or wrong, it may be mended while we wait: a model, the ledger or its schema."""
        insist = patience(self._stop, errors=(FraudError,))
        try:
            for look in (self._watcher.look, self._look_up_topic, self._lookup_ledger.identity):
                insist(look)
        except FraudError:
            return  # told to stop before it was open
        self._watcher.start()
        self._relay.start()
        self._opened.set()
        log.info("gateway_ready")

    def is_ready(self) -> bool:
        return self._opened.is_set() and not self._stop.is_set()

    async def close(self) -> None:
        """What is in work is answered; what was answered goes to Kafka, or waits in the ledger."""
        self._stop.set()
        await self._limit.close()
        self._thread.shutdown()
        self._lookups.shutdown()
        self._producing.close()
        if self._opened.is_set():
            self._watcher.stop()
            self._relay.stop()
        for ledger in (self._ledger, self._lookup_ledger):
            ledger.close()
        self._view.close()
        self._exits.close()

    async def score(self, transaction: Transaction, deadline: Deadline) -> Answer:
        """
        Raises:
            NoTimeLeft: it was not answered in time; it may be decided all the same.
            Conflict: it is being answered, or was with another body.
            AnswerLost: it could be kept nowhere.
            Unavailable: there is no model yet.
        """
        if not self._opened.is_set():
            raise Unavailable("the gateway is starting", why="it has no model yet")
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                return await self._scoring.ask(transaction)
        except TimeoutError:
            raise NoTimeLeft(
                f"there was no answer within {deadline.total_s * 1000:.0f} ms",
                next_step="ask again under the same transaction_id: if it is decided, that is the answer",
            ) from None

    async def produce(self, topic: str, key: str, value: bytes) -> None:
        await self._posting.send(topic, key, value)

    async def decision(self, transaction_id: str) -> DecidedTransaction | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lookups, self._lookup_ledger.decision, transaction_id)

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(client_config(self._settings, "gateway-admin"))

    def _look_up_topic(self) -> str:
        """The topic may be made again while we run: looked up with every turn of the relay."""
        found = topic_ids(self._admin, [self.transactions_topic], self._settings.kafka_timeout_s)
        self._topic_id = found[self.transactions_topic]
        return self._topic_id
