"""Check topics, ledger, alerts and view against each other, once or again and again."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from deploy.jobs.connections import ids_of_topics, ledger_of, log_of, rounds_of, view_of
from deploy.stack.report import Report
from models.history import Retention
from streams.answered import Signer
from streams.codecs import TransactionCodec
from streams.health import health_app, serve
from streams.ledger.books import LedgerBooks
from streams.logs import set_up_logs
from streams.reconcile.metrics import ReconcileMetrics
from streams.reconcile.outcome import Outcome
from streams.reconcile.positions import Standings
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Histories, Reconciliation
from streams.reconcile.stores import Stores, TopicNames
from streams.reconcile.watch import Pace, Watch
from streams.roles import acting_as
from streams.secret_files import shared_answer_key
from streams.settings import Settings

log = structlog.get_logger(__name__)


def reconcile_stores(settings: Settings, report: Report, within: Range | None = None) -> dict[str, Any]:
    """`{"findings": N, "checks": {name: {"checked": ..., "findings": ..., "first": [...]}}, ...}`"""
    within = within or Range()
    with stores_of(acting_as(settings, "auditor"), report) as stores:
        return Reconciliation(stores, within).run("all" if within.whole else "range").document()


def watch_stores(settings: Settings, pace: Pace, since: datetime | None) -> None:
    """Reconcile again and again, and serve metrics, until interrupted."""
    set_up_logs(settings.log_level)
    watch = watch_of(acting_as(settings, "auditor"), pace, since, ReconcileMetrics(CollectorRegistry()))
    try:
        watch.run()
    except KeyboardInterrupt:
        log.info("reconcile_ends", looks=watch.looks)


def watch_of(settings: Settings, pace: Pace, since: datetime | None, metrics: ReconcileMetrics) -> Watch:
    """A watch, and its health on its port: stores are waited for in time-outs, so it cannot be stuck."""

    def look(within: Range, histories: Histories, before: Standings) -> Outcome:
        with stores_of(settings, Report()) as stores:
            return Reconciliation(stores, within, before).run(histories)

    def keep(outcome: Outcome, took_s: float) -> None:
        with rounds_of(settings) as rounds:
            rounds.add(outcome, took_s)

    def wait(seconds: float) -> bool:
        time.sleep(seconds)
        return False

    clocks: dict[str, Any] = {"clock": time.monotonic, "now": lambda: datetime.now(UTC)}
    watch = Watch(look, keep, metrics, pace, since, wait=wait, **clocks)
    ProcessCollector(registry=metrics.registry)
    registry = metrics.registry if settings.prometheus_enabled else None
    app = health_app(registry, stuck_for_s=lambda: 0.0, ready=lambda: watch.looks > 0)
    log.info("health", port=serve(app, settings.metrics_host, settings.reconciler_port).server_port)
    return watch


@contextmanager
def stores_of(settings: Settings, report: Report) -> Iterator[Stores]:
    with (
        ledger_of(settings) as ledger,
        books_of(settings) as books,
        view_of(settings) as view,
        log_of(settings) as log,
    ):
        yield Stores(
            log=log,
            books=books,
            ledger=ledger,
            view=view,
            names=names_of(settings),
            codec=TransactionCodec(settings.currency, int(settings.clock_ahead_s * 1000)),
            signer=Signer(shared_answer_key(settings, secrets.token_bytes)),
            retention=Retention(),
            now=lambda: datetime.now(UTC),
            say=report.waiting,
        )


@contextmanager
def books_of(settings: Settings) -> Iterator[LedgerBooks]:
    books = LedgerBooks(settings.database_url, settings.scan_timeout_s)
    try:
        yield books
    finally:
        books.close()


def names_of(settings: Settings) -> TopicNames:
    inputs = (settings.transactions_topic, settings.labels_topic)
    letters = {topic: settings.dead_letter_topic(topic) for topic in inputs}
    return TopicNames(*inputs, settings.alerts_topic, letters, ids_of_topics(settings))
