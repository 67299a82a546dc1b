"""Every metric of a worker: name, kind, unit, labels. Bounded labels only: never an id."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge

from models.decision import NO_HISTORY, VERDICTS
from models.errors import (
    AssignmentLost,
    FraudError,
    KafkaUnavailable,
    LedgerUnavailable,
    ProgressMoved,
    RegistryUnavailable,
    ViewMoved,
    ViewUnavailable,
)
from models.scorer import Scorer
from models.without_model import NO_MODEL
from streams.answered import Marks
from streams.arrivals import DeadLetter, Flags, Sweep
from streams.ports import DecisionRows, LabelsSettled, ParkedLabel
from streams.series import StateGauge, SweepHistogram
from streams.span_names import DROPPED

# Around the goal: 7 ms in the middle, 35 ms for the slowest hundredth.
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.02, 0.035, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
SWEEP_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


Step = Literal["decode", "read", "fold", "score", "ledger", "apply", "publish"]
STEPS: tuple[Step, ...] = get_args(Step)
# What these counters may be labelled with is known: they are 0 from the start, so that the first of a kind
# is seen as an increase.
DEGRADED = (NO_MODEL, NO_HISTORY)
DUPLICATES = ("duplicate", "conflict")
LABELS = ("accepted", "parked", "repeated", "returned", "expired")
REFUSALS: tuple[type[FraudError], ...] = (ProgressMoved, ViewMoved, AssignmentLost)
DEPENDENCIES: tuple[type[FraudError], ...] = (
    KafkaUnavailable,
    LedgerUnavailable,
    ViewUnavailable,
    RegistryUnavailable,
)


Waited = Callable[[NDArray[np.float64], float], None]


class Metrics:
    """The metrics of one worker, in a registry of its own.

    waited: told how long the records of a sweep had waited that were decided by it, and when, in seconds
    since 1970.
    """

    def __init__(self, registry: CollectorRegistry, waited: Waited = lambda seconds, at_s: None) -> None:
        self.registry = registry
        self._waited = waited
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self._predictions = counter(
            "fraud_predictions_total", "Decisions made", ["variant", "decision", "path"]
        )
        self._degraded = counter(
            "fraud_degraded_decisions_total", "Decisions made with less than everything", ["reason"]
        )
        self._latency = SweepHistogram(
            "fraud_prediction_latency_seconds",
            "From the broker's timestamp to the committed decision",
            LATENCY_BUCKETS_S,
            registry,
        )
        self._sweep_records = SweepHistogram(
            "fraud_sweep_records", "Transactions per sweep", SWEEP_BUCKETS, registry
        )
        seconds = counter("fraud_sweep_step_seconds_total", "Time spent in each step of a sweep", ["step"])
        self._step_seconds = {name: seconds.labels(name) for name in STEPS}
        self.duplicates = counter("fraud_duplicates_total", "Records whose id was decided before", ["kind"])
        self._dead_letters = counter("fraud_dead_letters_total", "Records set aside", ["topic", "reason"])
        self._labels = counter("fraud_labels_total", "Labels by what became of them", ["outcome"])
        self.healed = counter("fraud_view_healed_offsets_total", "Offsets applied from the ledger")
        self.refused = counter("fraud_sweeps_refused_total", "Sweeps dropped and read again", ["reason"])
        self.retries = counter(
            "fraud_dependency_errors_total", "Failed calls that are retried", ["dependency"]
        )
        state = partial(StateGauge, registry=registry)
        self._lag = state("fraud_consumer_lag_records", "Records not finished yet", ["topic", "partition"])
        self._stopped = state(
            "fraud_partition_stopped", "1 while a flood of malformed records stops it", ["topic", "partition"]
        )
        self._waiting_lanes: set[int] = set()
        self._degraded_mode = gauge(
            "fraud_degraded_mode", "1 while a dependency keeps sweeps, or what they send, waiting"
        )
        self.outbound = gauge(
            "fraud_outbound_sweeps", "Decided, with alerts or offsets that Kafka has not taken"
        )
        self.last_sweep = gauge("fraud_last_sweep_timestamp_seconds", "When the last sweep was finished")
        self.build = gauge("fraud_build_info", "1", ["version", "features_hash"])
        self._model = state("fraud_model_info", "1", ["variant", "model", "version"])
        self._rules = state("fraud_rules_info", "1", ["policy", "ab"])
        self.answer_conflicts = counter(
            "fraud_answer_conflicts_total", "Answers of the gateway that differ from the decision that stands"
        )
        self._refused_marks = counter(
            "fraud_marks_refused_total", "Records that claimed to be answered, without our signature"
        )
        self.lookups_failing = gauge(
            "fraud_lookups_failing", "1 while it cannot be looked up which models, policy and split hold"
        )
        self._refused_models = counter(
            "fraud_models_refused_total", "Versions that did not prove themselves", ["model"]
        )
        self._spans_dropped = counter("fraud_spans_dropped_total", "Spans that nobody took", ["reason"])
        begin_at_zero(self._spans_dropped, DROPPED)
        begin_at_zero(self._degraded, DEGRADED)
        begin_at_zero(self.duplicates, DUPLICATES)
        begin_at_zero(self._labels, LABELS)
        begin_at_zero(self.refused, (each.code for each in REFUSALS))
        begin_at_zero(self.retries, (each.code for each in DEPENDENCIES))

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        started = perf_counter()
        try:
            yield
        finally:
            self._step_seconds[name].inc(perf_counter() - started)

    def waits(self, lane: int, waits: bool) -> None:
        """Whether a dependency keeps the sweep of a lane waiting."""
        (self._waiting_lanes.add if waits else self._waiting_lanes.discard)(lane)
        self._degraded_mode.set(bool(self._waiting_lanes))

    def decided(self, rows: DecisionRows, claimed: Collection[int], sweep: Sweep, now: datetime) -> None:
        """Count what a settled sweep decided, and how long its records had waited.

        claimed: rows that the gateway had decided, and has counted.
        """
        kinds = np.delete(rows.scored_by * len(VERDICTS) + rows.verdict, list(claimed))
        for kind, count in enumerate(np.bincount(kinds, minlength=1).tolist()):
            if count:
                variant, verdict = divmod(kind, len(VERDICTS))
                names = (rows.scorings[variant].variant, VERDICTS[verdict], "stream")
                self._predictions.labels(*names).inc(count)
        if rows.degraded_reason is not None:
            self._degraded.labels(rows.degraded_reason).inc(len(kinds))
        seconds = now.timestamp() - sweep.timestamp_ms / 1000
        self._latency.observe(seconds)
        self._waited(seconds[_decided_by(sweep, rows, claimed)], now.timestamp())
        self._sweep_records.observe([len(sweep)])
        self.last_sweep.set(now.timestamp())

    def in_force(self, scorer: Scorer) -> None:
        """Which models, policy and split decide from now on."""
        decide = zip(scorer.variants, scorer.models, strict=True)
        self._model.hold({(variant.name, model.name, model.version): 1 for variant, model in decide})
        begin_at_zero(self._refused_models, (model.name for model in scorer.models))
        self._rules.hold({(scorer.policy.version, scorer.router.config.version): 1})

    def marked(self, marks: Marks) -> None:
        self._refused_marks.inc(len(marks.refused))
        self.answer_conflicts.inc(marks.clashes)

    def spans_dropped(self, reason: str, count: int) -> None:
        self._spans_dropped.labels(reason).inc(count)

    def refused_model(self, name: str) -> None:
        self._refused_models.labels(name).inc()

    def waiting(self, lags: Mapping[tuple[str, int], int], held: Iterable[tuple[str, int]]) -> None:
        """How many records of each partition wait, and which partitions stand still."""
        self._lag.hold({(topic, str(number)): lag for (topic, number), lag in lags.items()})
        self._stopped.hold({(topic, str(number)): 1 for topic, number in held})

    def dead(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            self._dead_letters.labels(letter.topic, letter.reason).inc()

    def labelled(self, received: int, settled: LabelsSettled) -> None:
        self._labels.labels("parked").inc(settled.parked)
        self._labels.labels("repeated").inc(settled.repeated)
        self._labels.labels("accepted").inc(received - settled.parked - settled.repeated)

    def returned(self, labels: Sequence[ParkedLabel]) -> None:
        """Parked labels that went back to their topic."""
        expired = sum(label.expired for label in labels)
        self._labels.labels("expired").inc(expired)
        self._labels.labels("returned").inc(len(labels) - expired)


def begin_at_zero(counter: Counter, values: Iterable[str]) -> None:
    """For a counter with one label."""
    for value in values:
        counter.labels(value)


OFFSET_BITS = 44  # beside the partition's number, in one whole number to compare


def _decided_by(sweep: Sweep, rows: DecisionRows, claimed: Collection[int]) -> Flags:
    """Which of its records were decided by this sweep: no dead letter, no repeat, no gateway's answer."""
    batch = rows.batch
    if not claimed and len(batch) == len(sweep):
        return np.ones(len(sweep), np.bool_)
    places = np.delete(batch.partition << OFFSET_BITS | batch.offset, list(claimed))
    return np.isin(sweep.partition << OFFSET_BITS | sweep.offset, places)
