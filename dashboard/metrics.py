"""Every metric of a monitor."""

from prometheus_client import CollectorRegistry, Counter, Histogram

# Of people before a page: what is felt as at once, and what as broken.
CALLBACK_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# It told something; it said no; it did not answer, or could not.
ANSWERED, REFUSED, FAILED = OUTCOMES = ("answered", "refused", "failed")
# Name or password; too many at once or too often; the gateway could not be asked; no form of ours.
REASONS = ("credentials", "too_many", "unavailable", "malformed")


class MonitorMetrics:
    """Of one process, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._sign_ins = Counter(
            "fraud_monitor_sign_ins_refused_total",
            "Attempts to sign in that were refused",
            ["reason"],
            registry=registry,
        )
        self._callbacks = Histogram(
            "fraud_monitor_callback_latency_seconds",
            "From what somebody did on a page to the answer",
            buckets=CALLBACK_BUCKETS_S,
            registry=registry,
        )
        self._calls = Counter(
            "fraud_monitor_gateway_calls_total", "Questions to the gateway", ["outcome"], registry=registry
        )
        for outcome in OUTCOMES:
            self._calls.labels(outcome)
        for reason in REASONS:
            self._sign_ins.labels(reason)

    def sign_in_refused(self, reason: str) -> None:
        self._sign_ins.labels(reason).inc()

    def called_back(self, took_s: float) -> None:
        self._callbacks.observe(took_s)

    def asked(self, outcome: str) -> None:
        self._calls.labels(outcome).inc()
