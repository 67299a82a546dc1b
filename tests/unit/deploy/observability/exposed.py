"""Every metric that our processes expose, as their registries have it, and its labels."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector

from api.metrics import ApiMetrics
from dashboard.metrics import MonitorMetrics
from streams.metrics import Metrics
from streams.reconcile.metrics import ReconcileMetrics

SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_count", "_sum"),
    "gauge": ("",),
}
# What Prometheus adds to every sample of a target.
OF_TARGETS = {"job", "instance"}
# What others tell: Prometheus of its targets, the kubelet of volumes.
OTHERS = {
    "up": OF_TARGETS,
    "kubelet_volume_stats_available_bytes": {"namespace", "persistentvolumeclaim"},
    "kubelet_volume_stats_capacity_bytes": {"namespace", "persistentvolumeclaim"},
}
JOBS = ("worker", "gateway", "reconciler", "monitor")
Labels = dict[str, set[str]]


def exposed_by(job: str) -> Labels:
    """Name of each sample, and its labels."""
    registry = CollectorRegistry()
    if job == "worker":
        Metrics(registry)
        ProcessCollector(registry=registry)
    elif job == "gateway":
        ApiMetrics(registry)
    elif job == "monitor":
        MonitorMetrics(registry)
        ProcessCollector(registry=registry)
    else:
        ReconcileMetrics(registry)
        ProcessCollector(registry=registry)
    return dict(_samples(registry))


def exposed() -> Labels:
    """By all of them, and by others that we scrape."""
    found: Labels = {name: set(labels) for name, labels in OTHERS.items()}
    for job in JOBS:
        for name, labels in exposed_by(job).items():
            found[name] = found.get(name, set()) | labels
    return found


def _samples(registry: CollectorRegistry) -> Iterator[tuple[str, set[str]]]:
    # A registry tells names in public, and the labels of what has no sample yet only in private.
    for collector in registry._collector_to_names:
        ours = getattr(collector, "label_names", ())
        labels = OF_TARGETS | set(getattr(collector, "_labelnames", ours))
        families: list[Metric] = list(collector.collect())
        for family in families:
            buckets = {"le"} if family.type == "histogram" else set()
            for suffix in SUFFIXES[family.type]:
                yield family.name + suffix, labels | buckets
