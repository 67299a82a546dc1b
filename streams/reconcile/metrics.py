"""Every metric of the background check: name, kind, unit, labels."""

import math
from datetime import datetime
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from streams.metrics import DEPENDENCIES, begin_at_zero
from streams.reconcile.outcome import CHECKS, Outcome


class ReconcileMetrics:
    """In a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self.ratio = gauge("fraud_reconciled_ratio", "Records that were proven right, of those looked at")
        self.ratio.set(math.nan)  # nothing is known before the first look
        findings = counter(
            "fraud_reconcile_findings_total", "What was found wrong, again each time", ["check"]
        )
        self._findings = {name: findings.labels(name) for name in CHECKS}
        self.failures = counter("fraud_reconcile_failures_total", "Looks that a store cut short", ["reason"])
        begin_at_zero(self.failures, (each.code for each in DEPENDENCIES))
        self._last = gauge("fraud_reconcile_last_run_timestamp_seconds", "When the last look had ended")
        self._seconds = gauge("fraud_reconcile_last_run_duration_seconds", "How long the last look took")

    def looked(self, outcome: Outcome, at: datetime, seconds: float) -> None:
        for name, check in outcome.checks.items():
            self._findings[name].inc(check.findings)
        self._last.set(at.timestamp())
        self._seconds.set(seconds)
