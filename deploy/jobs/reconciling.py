"""Check topics, ledger, alerts and view against each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from deploy.jobs.connections import ids_of_topics, ledger_of, log_of, view_of
from deploy.stack.report import Report
from models.history import Retention
from streams.codecs import TransactionCodec
from streams.ledger.books import LedgerBooks
from streams.reconcile.range import Range
from streams.reconcile.reconciliation import Reconciliation
from streams.reconcile.stores import Stores, TopicNames
from streams.settings import Settings


def reconcile_stores(settings: Settings, report: Report, within: Range | None = None) -> dict[str, Any]:
    """`{"findings": N, "checks": {name: {"checked": ..., "findings": ..., "first": [...]}}, ...}`"""
    within = within or Range()
    with stores_of(settings, report) as stores:
        return Reconciliation(stores, within).run("all" if within.whole else "range").document()


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
