"""The worker's parts and how they fit. Nothing connects before the worker starts."""

import secrets
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from random import Random
from threading import Event

import structlog
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry, ProcessCollector

from models.features import features_hash
from models.history import Retention
from streams.alerts import KafkaOutbox
from streams.answered import Signer
from streams.deciding import Decider
from streams.healer import Healer
from streams.health import health_app, serve
from streams.kafka import client_config, topic_ids, worker_config
from streams.keeping import heal_over_own_connections
from streams.lane_parts import LaneParts, Shared, now
from streams.latency_log import latency_log_of
from streams.ledger import PostgresLedger
from streams.ledger.audit import PostgresAudit
from streams.ledger.rules import PostgresRules
from streams.metrics import Metrics
from streams.models_in_force import InForce
from streams.offsets import Offsets, Place
from streams.opening import keep_for_good, patience
from streams.outbound import Outbound
from streams.poller import Pace, Poller
from streams.refused_marks import RefusedMarks
from streams.secret_files import shared_answer_key
from streams.sender import Sender
from streams.settings import Settings
from streams.spans import spans_of
from streams.watchdog import Watchdog, crash, end_stuck_process
from streams.watcher import Watcher

log = structlog.get_logger(__name__)

# Kafka looks for transactions to abort every ten seconds by default: ten more than they may last.
SETTLING_SHARE = 0.8
DRAIN_S = 8.0
AUDIT_S = 2.0  # no sweep waits for it
GC_ALLOCATIONS = 50_000  # a full sweep makes about half as many objects


class Parts:
    """Everything a worker is made of. The first lane's thread also opens, tends and closes it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stop, self.opened = Event(), Event()
        self.latency_log = latency_log_of(settings, "stream")
        self.metrics = Metrics(CollectorRegistry(), self.latency_log.add)
        self.spans = spans_of(settings, "fraudml-worker", self.metrics.spans_dropped)
        self.watchdog = Watchdog(settings.stuck_s, end_stuck_process)
        self.rules = PostgresRules(settings.database_url, settings.ledger_timeout_s, "fraudml-rules")
        self.in_force = InForce(settings, self.rules.in_force, self.metrics.refused_model)
        self.watcher = Watcher(self.in_force.look, self.metrics, random=Random())
        self.audit = PostgresAudit(settings.database_url, AUDIT_S, "fraudml-marks")
        self.refused_marks = RefusedMarks(self.audit.note, settings.slot)
        self.poller = self._poller()
        self.outbox = KafkaOutbox(settings, self.poller)
        self.outbound = Outbound(self.outbox, self.poller, self.metrics)
        shared = self._shared()
        self.lanes = [LaneParts(number, shared) for number in range(settings.sweep_lanes)]
        self.sender = Sender(
            self.outbound,
            shared.insistence(settings.sweep_lanes, "publishing"),
            stop=self.stop,
            refused=lambda: self.poller.refused(None),
            failed=crash,
        )

    def _shared(self) -> Shared:
        settings = self.settings
        return Shared(
            settings=settings,
            metrics=self.metrics,
            watchdog=self.watchdog,
            spans=self.spans,
            stop=self.stop,
            outbox=self.outbound,
            decider=self._decider(),
            signer=lambda: self.signer,
            hold=self._hold,
            heal_apart=Healer(self._heal_apart).start if settings.while_rebuilding == "decide" else None,
            refused=self.refused_marks.seen,
            finished=self.poller.finished,
        )

    def _alive(self, count: int) -> None:
        """Healing takes its time, and is no standstill."""
        self.watchdog.alive()

    def _heal_apart(self) -> None:
        """While sweeps go on."""
        heal_over_own_connections(self.settings, "fraudml-healer", self.metrics, self._alive)

    def _decider(self) -> Decider:
        return Decider(
            scorer=lambda: self.watcher.scorer,
            retention=Retention(),
            currency=self.settings.currency,
            path="stream",
            now=now,
            metrics=self.metrics,
        )

    @cached_property
    def signer(self) -> Signer:
        """Its key may be made here, so not before the worker is opened."""
        return Signer(shared_answer_key(self.settings, secrets.token_bytes))

    def open(self) -> None:
        """Load the models, fence a predecessor, look at the ledger; wait for whatever is not there yet."""
        insist = patience(self.stop, self.settings.give_up_s)
        self._serve_health()
        self.signer  # noqa: B018
        insist(self.watcher.look)
        for lane in self.lanes:
            lane.open(insist)
        insist(self.outbox.open)
        insist(self._topic_ids)
        self.sender.start()
        self.watchdog.start()
        self.watcher.start()
        self.refused_marks.start()
        self.latency_log.start()
        self.opened.set()
        keep_for_good(GC_ALLOCATIONS)

    def _serve_health(self) -> None:
        self.metrics.build.labels(version("fraudml"), features_hash()).set(1)
        ProcessCollector(registry=self.metrics.registry)
        registry = self.metrics.registry if self.settings.prometheus_enabled else None
        app = health_app(
            registry, self.watchdog.stuck_for_s, lambda: self.opened.is_set() and not self.stop.is_set()
        )
        server = serve(app, self.settings.metrics_host, self.settings.metrics_port)
        log.info("health", port=server.server_port)

    def drain(self) -> None:
        """Let what is under way end and go out, and begin nothing more."""
        self.poller.drain().wait(DRAIN_S)

    def close(self) -> None:
        self.spans.close()
        self.watchdog.stop()
        self.watcher.stop()
        if self.opened.is_set():
            self.refused_marks.stop()
            self.latency_log.stop()
        self.sender.close()
        self.audit.close()
        for lane in self.lanes:
            lane.close()

    def _poller(self) -> Poller:
        """With a ledger connection of its own: it asks on its own thread."""
        settings = self.settings
        ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, "fraudml-poller")
        return Poller(
            lambda: worker_config(settings),
            topic_ids=self._topic_ids,
            progress=lambda topic_id, numbers: patience(self.stop, settings.stuck_s / 2)(
                ledger.progress, topic_id, numbers
            ),
            failed=crash,
            lag=self._heard,
            forgotten=lambda: self.outbound.reset(),
            pace=Pace(
                settings.sweep_max_records,
                settings.offset_commit_interval_s,
                settings.kafka_timeout_s,
                settings.stuck_s * SETTLING_SHARE,
                settings.sweep_lanes,
            ),
        )

    def _topic_ids(self) -> dict[str, str]:
        settings = self.settings
        topics = [settings.transactions_topic, settings.labels_topic]
        return topic_ids(AdminClient(client_config(settings, "admin")), topics, settings.kafka_timeout_s)

    def _heard(self, lags: Mapping[Place, int], held: Offsets) -> None:
        self.metrics.waiting(lags, held)
        # What somebody must look at first is no reason to start again.
        self.watchdog.heard(sum(lag for place, lag in lags.items() if place not in held))

    def _hold(self, topic: str, stops: Mapping[int, int]) -> None:
        self.poller.hold({(topic, number): offset for number, offset in stops.items()})

    def release_allowed(self) -> None:
        """Go on with partitions whose malformed records somebody has allowed to pass; in the first lane."""
        held = self.poller.held()
        if not held:
            return
        ids = self._topic_ids()
        for (topic, number), offset in held.items():
            found = self.lanes[0].ledger.poison(ids[topic], {number: (offset, offset)})
            if found[number].allowed_until > offset:
                log.warning("partition_goes_on", topic=topic, partition=number, offset=offset)
                self.poller.release((topic, number))
