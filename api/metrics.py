"""Every metric of a gateway; added up over its processes where there are several."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import get_args

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

from api.access import Failure
from models.decision import DecidedTransaction
from streams.metrics import DEGRADED, LATENCY_BUCKETS_S, begin_at_zero
from streams.span_names import DROPPED

MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"
DEPENDENCIES = ("postgres", "redis", "kafka")


class ApiMetrics:
    """The metrics of one process, in a registry of its own. took: told how long each decision took, in
    seconds."""

    def __init__(
        self, registry: CollectorRegistry, took: Callable[[float], None] = lambda took_s: None
    ) -> None:
        self._registry = registry
        self._took = took
        self._in_progress = Gauge(
            "fraud_api_requests_in_progress",
            "Requests that are being answered",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._requests = Counter(
            "fraud_api_requests_total", "Requests answered", ["route", "status"], registry=registry
        )
        self._latency = Histogram(
            "fraud_prediction_latency_seconds",
            "From a request for a decision to its answer",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._predictions = Counter(
            "fraud_predictions_total",
            "Decisions told, again or for the first time",
            ["variant", "decision", "path"],
            registry=registry,
        )
        self._degraded = Counter(
            "fraud_degraded_decisions_total",
            "Decisions made with less than everything",
            ["reason"],
            registry=registry,
        )
        self._failures = Counter(
            "fraud_dependency_errors_total", "Failed calls", ["dependency"], registry=registry
        )

        self._unauthenticated = Counter(
            "fraud_authentication_failures_total",
            "Requests that did not authenticate",
            ["reason"],
            registry=registry,
        )
        self._spans_dropped = Counter(
            "fraud_spans_dropped_total", "Spans that nobody took", ["reason"], registry=registry
        )
        begin_at_zero(self._spans_dropped, DROPPED)
        begin_at_zero(self._degraded, DEGRADED)
        begin_at_zero(self._failures, DEPENDENCIES)
        begin_at_zero(self._unauthenticated, get_args(Failure))

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        self._in_progress.inc()
        try:
            yield
        finally:
            self._in_progress.dec()

    def answered(self, route: str, status: int) -> None:
        self._requests.labels(route, str(status)).inc()

    def decided(self, decided: DecidedTransaction, took_s: float) -> None:
        self._latency.observe(took_s)
        self._took(took_s)
        self._predictions.labels(decided.variant, decided.decision, decided.path).inc()
        if decided.degraded_reason is not None:
            self._degraded.labels(decided.degraded_reason).inc()

    def unauthenticated(self, reason: str) -> None:
        self._unauthenticated.labels(reason).inc()

    def failed(self, dependency: str) -> None:
        self._failures.labels(dependency).inc()

    def spans_dropped(self, reason: str, count: int) -> None:
        self._spans_dropped.labels(reason).inc(count)

    def page(self) -> bytes:
        """In Prometheus' text format, of all processes."""
        if folder := os.environ.get(MULTIPROCESS):
            _forget_the_dead(Path(folder))
            whole = CollectorRegistry()
            multiprocess.MultiProcessCollector(whole)  # type: ignore[no-untyped-call]
            return generate_latest(whole)
        return generate_latest(self._registry)


def _forget_the_dead(folder: Path) -> None:
    """A process that was killed answers no requests any more; what it has counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not psutil.pid_exists(pid):
            # Another process may do the same at this moment.
            with suppress(FileNotFoundError):
                multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
