"""The worker's parts and how they fit. Nothing connects before the worker starts."""

import gc
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from threading import Event
from typing import Any

import faust
import structlog
from confluent_kafka.admin import AdminClient
from mode.supervisors import CrashingSupervisor
from prometheus_client import CollectorRegistry
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_any, stop_when_event_set

from models.errors import Unavailable
from models.features import features_hash
from models.history import Retention
from models.policy import DEFAULT_POLICY
from models.scorer import Scorer
from streams.agents import SweepRunner, register
from streams.alerts import KafkaOutbox
from streams.codecs import TransactionCodec
from streams.healing import ViewKeeper
from streams.health import health_app, serve
from streams.kafka import client_config, topic_ids, worker_config
from streams.labels import LabelSweeps
from streams.ledger import PostgresLedger
from streams.metrics import Metrics
from streams.offsets import Offsets, Place
from streams.poller import Poller
from streams.settings import Settings
from streams.sweep import TransactionSweeps
from streams.transport import SweepTransport
from streams.view import RedisView
from streams.watchdog import Watchdog, crash, end_stuck_process

log = structlog.get_logger(__name__)

RETURN_LABELS_EVERY_S = 1.0
GC_ALLOCATIONS = 50_000  # a full sweep makes about half as many objects


class Parts:
    """Everything a worker is made of."""

    def __init__(self, settings: Settings, load_scorer: Callable[[Settings], Scorer]) -> None:
        self.settings = settings
        self._load_scorer = load_scorer
        self.stop = Event()
        self.opened = Event()
        self.metrics = Metrics(CollectorRegistry())
        self.watchdog = Watchdog(settings.stuck_s, end_stuck_process)
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sweep")
        self.ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, "fraudml-worker")
        self.view = RedisView(settings.redis_url, settings.view_timeout_s, settings.state_groups)
        self.outbox = KafkaOutbox(settings, self)
        keeper = ViewKeeper(self.ledger, self.view, lambda: secrets.token_hex(4), self.metrics)
        self.transactions = TransactionSweeps(
            codec=TransactionCodec(settings.currency, int(settings.clock_ahead_s * 1000)),
            ledger=self.ledger,
            keeper=keeper,
            outbox=self.outbox,
            scorer=lambda: self.scorer,
            policy=DEFAULT_POLICY,
            retention=Retention(),
            now=lambda: datetime.now(UTC),
            metrics=self.metrics,
        )
        self.labels = LabelSweeps(
            ledger=self.ledger,
            keeper=keeper,
            outbox=self.outbox,
            metrics=self.metrics,
            ahead_ms=int(settings.clock_ahead_s * 1000),
        )
        self.runner = self._runner()
        self.scorer: Scorer
        self.poller: Poller | None = None

    def _runner(self) -> SweepRunner:
        handlers = {
            self.settings.transactions_topic: self.transactions.handle,
            self.settings.labels_topic: self.labels.handle,
        }
        return SweepRunner(
            handlers,
            metrics=self.metrics,
            watchdog=self.watchdog,
            stop=self.stop,
            give_up_s=self.settings.give_up_s,
            finished=self._finished,
        )

    def open(self) -> None:
        """Load the models, fence a predecessor, look at the ledger; wait for whatever is not there yet."""
        patience = self._patience(self.settings.give_up_s)
        self._serve_health()
        self.scorer = patience(self._load_scorer, self.settings)
        patience(self.ledger.identity)
        patience(self.outbox.open)
        patience(self._topic_ids)
        for variant, model in zip(self.scorer.variants, self.scorer.models, strict=True):
            self.metrics.model.labels(variant.name, model.name, model.version).set(1)
            log.info("model_in_force", variant=variant.name, model=model.name, version=model.version)
        self.watchdog.start()
        self.opened.set()
        # What is loaded by now stays: looking through it again and again would stall sweeps.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS)

    def _patience(self, within_s: float) -> Retrying:
        """Tries again while something is not there yet, until told to stop."""
        return Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_any(stop_after_delay(within_s), stop_when_event_set(self.stop)),
            wait=wait_exponential_jitter(multiplier=0.1, max=5.0),
            sleep=sleep_using_event(self.stop),
            before_sleep=lambda state: log.warning("waiting", why=str(state.outcome.exception())),  # type: ignore[union-attr]
            reraise=True,
        )

    def _serve_health(self) -> None:
        self.metrics.build.labels(version("fraudml"), features_hash()).set(1)
        registry = self.metrics.registry if self.settings.prometheus_enabled else None
        app = health_app(
            registry, self.watchdog.stuck_for_s, lambda: self.opened.is_set() and not self.stop.is_set()
        )
        server = serve(app, self.settings.metrics_host, self.settings.metrics_port)
        log.info("health", port=server.server_port)

    def close(self) -> None:
        self.watchdog.stop()
        self.ledger.close()
        self.view.close()

    def make_poller(self, **calls: Any) -> Poller:
        """The poller, with a ledger connection of its own: it asks on its own thread."""
        settings = self.settings
        ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, "fraudml-poller")
        self.poller = Poller(
            worker_config(settings),
            topic_ids=self._topic_ids,
            progress=lambda topic_id, numbers: self._patience(settings.stuck_s / 2)(
                ledger.progress, topic_id, numbers
            ),
            failed=crash,
            lag=self._heard,
            max_records=settings.sweep_max_records,
            commit_interval_s=settings.offset_commit_interval_s,
            timeout_s=settings.kafka_timeout_s,
            **calls,
        )
        return self.poller

    def _topic_ids(self) -> dict[str, str]:
        settings = self.settings
        admin = AdminClient(client_config(settings, "admin"))
        topics = [settings.transactions_topic, settings.labels_topic]
        return topic_ids(admin, topics, settings.kafka_timeout_s)

    def _heard(self, lags: Mapping[Place, int]) -> None:
        self.metrics.lag.clear()
        for (topic, number), lag in lags.items():
            self.metrics.lag.labels(topic, str(number)).set(lag)
        self.watchdog.heard(sum(lags.values()))

    def _finished(self) -> None:
        if self.poller is not None:
            self.poller.finished()

    # The outbox's commit book: the poller, once it is there.

    def later(self, offsets: Offsets) -> None:
        if self.poller is not None:
            self.poller.later(offsets)

    def done(self, offsets: Offsets) -> None:
        if self.poller is not None:
            self.poller.done(offsets)


class WorkerApp(faust.App):  # type: ignore[misc]
    """Faust's application, opened and closed with the worker."""

    parts: Parts

    class BootStrategy(faust.App.BootStrategy):  # type: ignore[misc]
        enable_web = False

    async def on_start(self) -> None:
        await super().on_start()
        try:
            await self.loop.run_in_executor(self.parts.thread, self.parts.open)
        except Unavailable:
            if not self.parts.stop.is_set():
                raise  # told to stop while it waited is no failure

    async def on_stop(self) -> None:
        self.parts.stop.set()
        await super().on_stop()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await self.loop.run_in_executor(self.parts.thread, self.parts.close)


def build_app(settings: Settings, load_scorer: Callable[[Settings], Scorer]) -> WorkerApp:
    """The worker as Faust runs it."""
    parts = Parts(settings, load_scorer)
    app = WorkerApp(
        settings.group_id,
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        store="memory://",
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=True,
        agent_supervisor=CrashingSupervisor,
        broker_session_timeout=settings.session_timeout_s,
        datadir=settings.home / "faust",
        web_enabled=False,
    )
    app.parts = parts
    app.transport = SweepTransport(app, parts.make_poller)
    topics = [settings.transactions_topic, settings.labels_topic]
    register(app, parts.runner, topics, parts.thread, crash)

    @app.timer(interval=RETURN_LABELS_EVERY_S, name="return_labels")  # type: ignore[untyped-decorator]
    async def return_labels() -> None:
        if app.consumer.owns(settings.labels_topic, 0):
            await app.loop.run_in_executor(parts.thread, _returned, parts)

    return app


def _returned(parts: Parts) -> None:
    try:
        parts.labels.return_ready()
    except Unavailable as error:
        log.warning("labels_not_returned", why=str(error))
