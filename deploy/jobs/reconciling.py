"""Check topics, ledger, alerts and view against each other."""

from typing import Any

from deploy.jobs.connections import ids_of_topics, ledger_of, log_of, scan_of, view_of
from deploy.stack.report import Report
from models.history import Retention
from streams.codecs import TransactionCodec
from streams.reconcile import Reconciliation
from streams.settings import Settings


def reconcile_stores(settings: Settings, report: Report) -> dict[str, Any]:
    """`{"findings": N, "checks": {name: {"checked": ..., "findings": ..., "first": [...]}}}`"""
    with (
        ledger_of(settings) as ledger,
        scan_of(settings) as scan,
        view_of(settings) as view,
        log_of(settings) as log,
    ):
        return Reconciliation(
            log=log,
            ledger=ledger,
            scan=scan,
            view=view,
            codec=TransactionCodec(settings.currency, int(settings.clock_ahead_s * 1000)),
            retention=Retention(),
            transactions_topic=settings.transactions_topic,
            alerts_topic=settings.alerts_topic,
            topic_ids=ids_of_topics(settings),
            progress=report.waiting,
        ).run()
