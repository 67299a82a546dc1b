"""The metrics of a worker: their names, what they count, and that they count right."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import generate_latest

from models.errors import LedgerUnavailable
from models.policy import flat_policy
from models.scorer import Scorer
from streams.metrics import LATENCY_BUCKETS_S, STEPS, SWEEP_BUCKETS, Metrics
from streams.ports import LabelsSettled, Mark
from streams.series import SweepHistogram
from tests.builders import BROKER_MS, NOW, Worker, label, scorer, sweep_of, transaction
from tests.contracts.test_answers import answered

MARK = Mark("t-1", 0, 1)
values = st.lists(st.integers(-2, 6000), max_size=30)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_the_metrics_are_called_what_the_dashboards_call_them(metrics: Metrics) -> None:
    assert {family.name: family.type for family in metrics.registry.collect()} == {
        "fraud_predictions": "counter",
        "fraud_degraded_decisions": "counter",
        "fraud_prediction_latency_seconds": "histogram",
        "fraud_sweep_records": "histogram",
        "fraud_sweep_step_seconds": "counter",
        "fraud_duplicates": "counter",
        "fraud_dead_letters": "counter",
        "fraud_labels": "counter",
        "fraud_view_healed_offsets": "counter",
        "fraud_sweeps_refused": "counter",
        "fraud_spans_dropped": "counter",
        "fraud_dependency_errors": "counter",
        "fraud_consumer_lag_records": "gauge",
        "fraud_partition_stopped": "gauge",
        "fraud_degraded_mode": "gauge",
        "fraud_outbound_sweeps": "gauge",
        "fraud_last_sweep_timestamp_seconds": "gauge",
        "fraud_build_info": "gauge",
        "fraud_model_info": "gauge",
        "fraud_rules_info": "gauge",
        "fraud_models_refused": "counter",
        "fraud_lookups_failing": "gauge",
        "fraud_answer_conflicts": "counter",
        "fraud_marks_refused": "counter",
    }


def test_what_is_in_force_is_told_and_what_was_is_not_told_any_more(metrics: Metrics) -> None:
    first, second = scorer(), Scorer(scorer().router, scorer().models, flat_policy("next", 0.1, 0.2))
    for in_force in (first, second):
        metrics.in_force(in_force)
    told = {
        family.name: [each.labels for each in family.samples]
        for family in metrics.registry.collect()
        if family.name in ("fraud_model_info", "fraud_rules_info")
    }
    assert told == {
        "fraud_model_info": [{"variant": "champion", "model": "FraudDetection_XGBoost", "version": "7"}],
        "fraud_rules_info": [{"policy": "next", "ab": "ab-1"}],
    }


def test_predictions_are_counted_by_variant_decision_and_path() -> None:
    worker = Worker()
    worker.decide(
        *(transaction(f"tx-{n}", amount_minor=amount) for n, amount in enumerate([1, 2, 10_000, 100_000, 3]))
    )
    worker.decide(transaction("tx-9", amount_minor=4))
    found = {
        each.labels["decision"]: each.value
        for family in worker.metrics.registry.collect()
        for each in family.samples
        if each.name == "fraud_predictions_total"
    }
    assert found == {"approve": 4, "review": 1, "decline": 1}
    assert (
        worker.metric("fraud_predictions_total", variant="champion", decision="decline", path="stream") == 1
    )


def test_records_that_come_again_are_not_predicted_again() -> None:
    worker = Worker()
    sweep = sweep_of(transaction("a"))
    worker.handle(sweep)
    worker.handle(sweep)
    assert (
        worker.metric("fraud_predictions_total", variant="champion", decision="approve", path="stream") == 1
    )


def test_latency_is_from_the_brokers_timestamp_to_the_decision() -> None:
    worker = Worker()
    worker.decide(transaction("a"), transaction("b"))
    waited_s = NOW.timestamp() - BROKER_MS / 1000
    assert worker.metric("fraud_prediction_latency_seconds_count") == 2
    assert worker.metric("fraud_prediction_latency_seconds_sum") == pytest.approx(2 * waited_s)


def test_how_long_records_waited_is_told_of_those_that_their_sweep_decided() -> None:
    worker = Worker()
    waited_s = NOW.timestamp() - BROKER_MS / 1000
    worker.decide(transaction("a"), transaction("b"))
    worker.decide(b"{oops", transaction("a"), transaction("c"), transaction("c"), transaction("d"))
    worker.ledger.answer([answered("e")])
    worker.decide(transaction("e", amount_minor=20_000), transaction("f"))
    worker.decide(b"{oops")
    assert worker.metric("fraud_duplicates_total", kind="duplicate") == 2
    assert worker.waited == [
        ([waited_s] * 2, NOW.timestamp()),
        ([waited_s] * 2, NOW.timestamp()),
        ([waited_s], NOW.timestamp()),
        ([], NOW.timestamp()),
    ]


def test_each_record_of_a_mixed_sweep_has_waited_its_own_time() -> None:
    worker = Worker()
    sweep = sweep_of(transaction("a"), b"{oops", transaction("b"))
    behind_ms = np.array([0, 100, 250])
    worker.handle(replace(sweep, timestamp_ms=BROKER_MS - behind_ms))
    waited_s = NOW.timestamp() - BROKER_MS / 1000
    ((seconds, _),) = worker.waited
    assert seconds == pytest.approx([waited_s, waited_s + 0.25])


def test_the_size_of_sweeps_is_seen() -> None:
    worker = Worker()
    worker.decide(*(transaction(f"a-{n}") for n in range(5)))
    worker.decide(transaction("b"))
    assert worker.metric("fraud_sweep_records_count") == 2
    assert worker.metric("fraud_sweep_records_sum") == 6
    assert [worker.metric("fraud_sweep_records_bucket", le=le) for le in ("1.0", "4.0", "8.0")] == [1, 1, 2]


def test_when_the_last_sweep_was_finished_is_seen() -> None:
    worker = Worker()
    worker.decide(transaction("a"))
    assert worker.metric("fraud_last_sweep_timestamp_seconds") == NOW.timestamp()


def test_what_is_rare_is_zero_before_it_happens_so_that_its_first_time_is_an_increase(
    metrics: Metrics,
) -> None:
    metrics.in_force(scorer())
    rare = {
        "fraud_degraded_decisions_total": ["no_model", "no_history"],
        "fraud_duplicates_total": ["duplicate", "conflict"],
        "fraud_labels_total": ["accepted", "parked", "repeated", "returned", "expired"],
        "fraud_sweeps_refused_total": ["progress_moved", "view_moved", "assignment_lost"],
        "fraud_dependency_errors_total": [
            "kafka_unavailable",
            "ledger_unavailable",
            "view_unavailable",
            "registry_unavailable",
        ],
        "fraud_models_refused_total": ["FraudDetection_XGBoost"],
    }
    for name, values in rare.items():
        found = [
            (*each.labels.values(), each.value)
            for family in metrics.registry.collect()
            for each in family.samples
            if each.name == name
        ]
        assert found == [(value, 0.0) for value in values]


def test_every_step_of_a_sweep_has_its_seconds_from_the_start(metrics: Metrics) -> None:
    assert [sample(metrics, "fraud_sweep_step_seconds_total", step=step) for step in STEPS] == [0.0] * 7
    worker = Worker()
    worker.decide(transaction("a"))
    taken = [step for step in STEPS if worker.metric("fraud_sweep_step_seconds_total", step=step) > 0]
    # What goes out goes behind the sweep: test_outbound.py.
    assert taken == [step for step in STEPS if step != "publish"]


def test_a_step_that_fails_has_cost_its_time_too(metrics: Metrics) -> None:
    with pytest.raises(LedgerUnavailable), metrics.step("ledger"):
        raise LedgerUnavailable("Postgres failed")
    assert (sample(metrics, "fraud_sweep_step_seconds_total", step="ledger") or 0) > 0


def test_dead_letters_are_counted_by_topic_and_reason(metrics: Metrics) -> None:
    worker = Worker()
    worker.decide(b"{oops", b"{oops", b"")
    worker.label(b"?")
    assert worker.metric("fraud_dead_letters_total", topic="transactions", reason="not_json") == 2
    assert worker.metric("fraud_dead_letters_total", topic="transactions", reason="empty") == 1
    assert worker.metric("fraud_dead_letters_total", topic="labels", reason="not_json") == 1


def test_labels_are_counted_by_what_became_of_them(metrics: Metrics) -> None:
    metrics.labelled(10, LabelsSettled([MARK] * 5, parked=3, repeated=2))
    outcomes = ("accepted", "parked", "repeated")
    assert [sample(metrics, "fraud_labels_total", outcome=name) for name in outcomes] == [5, 3, 2]


def test_degraded_mode_and_lag_are_gauges_of_now(metrics: Metrics) -> None:
    assert sample(metrics, "fraud_degraded_mode") == 0
    metrics.waits(1, True)
    metrics.waits(0, False)
    metrics.waiting({("transactions", 3): 7}, [("labels", 1)])
    assert sample(metrics, "fraud_degraded_mode") == 1
    metrics.waits(1, False)
    assert sample(metrics, "fraud_degraded_mode") == 0
    assert sample(metrics, "fraud_consumer_lag_records", topic="transactions", partition="3") == 7
    assert sample(metrics, "fraud_partition_stopped", topic="labels", partition="1") == 1


def test_partitions_that_are_not_ours_any_more_have_no_lag(metrics: Metrics) -> None:
    metrics.waiting({("transactions", 3): 7, ("transactions", 4): 1}, [])
    metrics.waiting({("transactions", 4): 2}, [])
    assert sample(metrics, "fraud_consumer_lag_records", topic="transactions", partition="3") is None
    assert sample(metrics, "fraud_consumer_lag_records", topic="transactions", partition="4") == 2


def test_no_metric_is_labelled_with_anything_a_producer_sends() -> None:
    """A label per id, or per text, would grow without end."""
    worker = Worker()
    mark = "producers-own-words"
    worker.decide(
        transaction(mark, customer_id=mark, terminal_id=mark, attributes={mark: mark}, amount_minor=20_000),
        transaction(mark, customer_id=mark, amount_minor=5),
        transaction("b", currency="USD", customer_id=mark),
        b'{"%s"' % mark.encode(),
        transaction("c", event_time=mark),
    )
    worker.label(label(mark, label=mark), label(mark, label_id=mark))
    assert mark not in generate_latest(worker.metrics.registry).decode()
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 1


@pytest.mark.parametrize("buckets", [LATENCY_BUCKETS_S, SWEEP_BUCKETS])
@given(sweeps=st.lists(values, max_size=4))
def test_a_sweep_at_once_gives_the_histogram_of_its_values_one_by_one(
    buckets: tuple[float, ...], sweeps: list[list[int]]
) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    at_once = SweepHistogram("h", "help", buckets, ours)
    one_by_one = Histogram("h", "help", buckets=buckets, registry=theirs)
    edges = np.array(buckets)
    for sweep in sweeps:
        # On an edge, and on either side of one.
        found = [float(edges[value % len(edges)]) if value % 3 else value / 100 for value in sweep]
        at_once.observe(np.array(found, np.float64))
        for value in found:
            one_by_one.observe(value)
    assert samples(ours) == samples(theirs)


def samples(registry: CollectorRegistry) -> dict[tuple[str, Any], Any]:
    return {
        (each.name, each.labels.get("le")): pytest.approx(each.value)
        for family in registry.collect()
        for each in family.samples
        if not each.name.endswith("_created")
    }


def test_two_workers_in_one_process_count_apart() -> None:
    first, second = Worker(), Worker()
    first.decide(transaction("a"))
    assert second.metric("fraud_sweep_records_count") == 0
    assert first.metric("fraud_sweep_records_count") == 1
