"""Metrics that the client library's own kinds do not serve well: many values at once, and states."""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily


class SweepHistogram:
    """A histogram that takes a whole sweep at once: one at a time would cost more than scoring."""

    def __init__(
        self, name: str, help_text: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._help = name, help_text
        self._edges = np.array(buckets, np.float64)
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        self._lock = Lock()
        registry.register(self)

    def observe(self, values: Sequence[float] | NDArray[np.float64]) -> None:
        found = np.searchsorted(self._edges, values, side="left")
        counts, total = np.bincount(found, minlength=len(self._counts)), float(np.sum(values))
        with self._lock:
            self._counts += counts
            self._sum += total

    def collect(self) -> Iterator[HistogramMetricFamily]:
        edges = [*(str(float(edge)) for edge in self._edges), "+Inf"]
        reached = np.cumsum(self._counts).tolist()
        family = HistogramMetricFamily(self._name, self._help)
        family.add_metric([], buckets=list(zip(edges, reached, strict=True)), sum_value=self._sum)
        yield family


class StateGauge:
    """A gauge whose series come and go together: each page shows one state, never half of the next one."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name, self._help, self.label_names = name, help_text, labels
        self._held: Mapping[tuple[str, ...], float] = {}
        registry.register(self)

    def hold(self, state: Mapping[tuple[str, ...], float]) -> None:
        """By the values of its labels."""
        self._held = state

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._help, labels=self.label_names)
        for values, number in self._held.items():
            family.add_metric(values, number)
        yield family
