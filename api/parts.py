"""The gateway's parts and how they fit. Nothing connects before it is opened."""

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property, partial
from random import Random

from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry

from api.access import Access
from api.administration import Administration
from api.admitting import running_access
from api.answering import Answer, Answering
from api.breaker import Breaker
from api.bulkhead import Bulkhead
from api.case_context import CaseContexts
from api.deadline import Deadline
from api.failed_keys import FailedKeys, running_failed_passwords
from api.gathering import Gathering
from api.key_usage import Usage
from api.limits import SharedLimit
from api.measuring import ANSWER_S, STATEMENT_S, Measuring
from api.metrics import ApiMetrics
from api.opening import Opening
from api.pace import Pace
from api.people import People, running_people
from api.posting import Posting
from api.producing import Producing
from api.publishing import KafkaAnswerLog, traced
from api.reading import Reading
from api.relay import Relay
from api.reviewing import Reviewing
from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from models.errors import NoTimeLeft, Unavailable
from models.history import Retention
from models.shared_key import SharedKey
from models.transaction import Transaction
from streams.answered import Signer
from streams.deciding import Decider
from streams.healer import Healer
from streams.kafka import client_config, producer_config, topic_ids
from streams.keeping import heal_over_own_connections, keeper_of
from streams.latency_log import latency_log_of
from streams.ledger import PostgresLedger
from streams.ledger.rules import PostgresRules
from streams.metrics import Metrics
from streams.models_in_force import InForce
from streams.opening import keep_for_good
from streams.quality.apart import QualityApart
from streams.secret_files import shared_answer_key
from streams.settings import Settings
from streams.spans import spans_of
from streams.view import RedisView
from streams.watcher import Watcher

# Of the 250 ms that an answer may take; what is left is for everything around them.
LIMIT_S, VIEW_S, LEDGER_S, LOG_S = 0.02, 0.03, 0.08, 0.06
POST_S, LOOKUP_S = 1.0, 5.0
# From some 400 requests a second on, of which each then waits for half of this.
SWEEPS_APART_S, CROWD = 0.01, 4
GC_ALLOCATIONS = 2000  # often, and each time for less than a millisecond


class Gateway:
    """Everything a gateway process is made of."""

    access: Access  # once it is opened
    people: People  # likewise
    usage: Usage  # likewise
    failed_passwords: FailedKeys  # likewise

    def __init__(self, settings: Settings) -> None:
        self.currency = settings.currency
        self.ahead_ms = int(settings.clock_ahead_s * 1000)
        self.transactions_topic, self.labels_topic = settings.transactions_topic, settings.labels_topic
        self._latency_log = latency_log_of(settings, "rest")
        self.metrics = ApiMetrics(
            CollectorRegistry(), lambda took_s: self._latency_log.add_one(took_s, time.time())
        )
        self.metrics_here = settings.prometheus_enabled
        self.spans = spans_of(settings, "fraudml-gateway", self.metrics.spans_dropped)
        self._settings = settings
        self._worker_metrics = Metrics(CollectorRegistry())
        self._topic_id = ""
        self._traces: dict[str, str] = {}  # of what is being answered, by transaction id
        self._exits = ExitStack()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sweep")
        self._lookups = Bulkhead("lookup", LOOKUP_S)
        self._ledger = self._connected("fraudml-gateway", LEDGER_S)
        self._lookup_ledger = self._connected("fraudml-lookup", settings.ledger_timeout_s)
        self._view = RedisView(settings.redis_url, VIEW_S, settings.state_groups)
        self._producing = Producing(producer_config(settings, "gateway"))
        self.administration = Administration(settings, self._producing)
        self._posting = Posting(self._producing, POST_S, Breaker("kafka", time.monotonic))
        self._answer_key = answer_key = shared_answer_key(settings, secrets.token_bytes)
        self.reading = Reading(settings, answer_key, lambda: self._opening.model)
        self.measuring = Measuring(
            QualityApart(settings.database_url, STATEMENT_S, ANSWER_S), lambda: self._opening.model
        )
        self.reviewing = Reviewing(settings, answer_key, self._producing)
        self.case_contexts = CaseContexts(settings, lambda: self._opening.model)
        self._log = self._answer_log(answer_key)
        self._relay = self._make_relay()
        self._scoring: Gathering[Transaction, Answer] = Gathering(
            self._answering().answer,
            lambda transaction: transaction.transaction_id,
            self._thread,
            pace=Pace(SWEEPS_APART_S, CROWD),
        )
        self._opening = self._make_opening()

    def _answer_log(self, answer_key: SharedKey) -> KafkaAnswerLog:
        return KafkaAnswerLog(
            self._producing,
            self.transactions_topic,
            topic_id=lambda: self._topic_id,
            signer=Signer(answer_key),
            within_s=LOG_S,
            trace=lambda transaction_id: self._traces.get(transaction_id),
            breaker=Breaker("kafka", time.monotonic),
        )

    def _make_relay(self) -> Relay:
        return Relay(
            self._connected("fraudml-relay", self._settings.ledger_timeout_s),
            places=self._log.take_places,
            send=self._log.send,
            topic_id=self._look_up_topic,
        )

    def _make_opening(self) -> Opening:
        settings = self._settings
        rules = PostgresRules(settings.database_url, settings.ledger_timeout_s, "fraudml-gateway-rules")
        in_force = InForce(settings, rules.in_force, self._worker_metrics.refused_model)
        return Opening(
            Watcher(in_force.look, self._worker_metrics, random=Random()),
            rules.in_force,
            needed=(self._look_up_topic, self._lookup_ledger.identity),
            useful=(self._ledger.identity, lambda: self._view.read({}, [], {})),
            begin=(partial(keep_for_good, GC_ALLOCATIONS), self._relay.start, self.reviewing.start),
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
                scorer=lambda: self._opening.decides,
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
        self.people = self._exits.enter_context(running_people(settings, self._answer_key))
        self.failed_passwords = self._exits.enter_context(running_failed_passwords(settings))
        self._limit = SharedLimit(settings.redis_url, LIMIT_S)
        self.usage = Usage(settings.redis_url)
        self.access = self._exits.enter_context(
            running_access(settings, self._limit, self.people, self.metrics)
        )
        self._exits.callback(self._latency_log.stop)
        self._exits.callback(self.spans.close)
        self._latency_log.start()
        self._producing.start()
        self._opening.start()

    def is_ready(self) -> bool:
        return self._opening.is_ready

    async def close(self) -> None:
        """What is in work is answered; what was answered goes to Kafka, or waits in the ledger."""
        self._opening.stop()
        await self.reading.close()
        await self.measuring.close()
        await self._limit.close()
        await self.usage.close()
        self._thread.shutdown()
        self._lookups.close()
        self.administration.close()
        self.reviewing.close()
        self.case_contexts.close()
        self._producing.close()
        if self._opening.answers:
            self._relay.stop()
        for ledger in (self._ledger, self._lookup_ledger):
            ledger.close()
        self._view.close()
        self._exits.close()

    async def score(self, transaction: Transaction, deadline: Deadline, trace: str) -> Answer:
        """
        Raises:
            NoTimeLeft: it was not answered in time; it may be decided all the same.
            Conflict: it is being answered, or was with another body.
            AnswerLost: it could be kept nowhere.
            Unavailable: it is starting.
        """
        if not self._opening.answers:
            raise Unavailable("the gateway is starting", why="it has not found its ledger and its topic yet")
        name = transaction.transaction_id
        self._traces.setdefault(name, trace)
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                return await self._scoring.ask(transaction)
        except TimeoutError:
            raise NoTimeLeft(
                f"there was no answer within {deadline.total_s * 1000:.0f} ms",
                next_step="ask again under the same transaction_id: if it is decided, that is the answer",
            ) from None
        finally:
            if self._traces.get(name) == trace:
                del self._traces[name]

    async def produce(self, topic: str, key: str, value: bytes, trace: str) -> None:
        await self._posting.send(topic, key, value, traced(trace))

    async def decision(self, transaction_id: str) -> DecidedTransaction | None:
        return await self._lookups.run(self._lookup_ledger.decision, transaction_id)

    async def archived(self, transaction_id: str) -> ArchivedDecision | None:
        return await self._lookups.run(self._lookup_ledger.archived, transaction_id)

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(client_config(self._settings, "gateway-admin"))

    def _look_up_topic(self) -> str:
        """The topic may be made again while we run: looked up with every turn of the relay."""
        found = topic_ids(self._admin, [self.transactions_topic], self._settings.kafka_timeout_s)
        self._topic_id = found[self.transactions_topic]
        return self._topic_id
