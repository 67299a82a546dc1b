"""Every metric and label that an alert or a panel goes by is one that our processes expose."""

import re

import pytest

from tests.unit.deploy.observability.exposed import JOBS, OF_TARGETS, exposed, exposed_by
from tests.unit.deploy.observability.queries import grouped_by, metrics_of
from tests.unit.deploy.observability.rules import Query, alerts, panel_queries, recorded, rule_queries

RECORDED = recorded()
KNOWN = exposed() | RECORDED
ALL = [*rule_queries(), *panel_queries()]


def wrong_with(query: Query, known: dict[str, set[str]]) -> list[str]:
    """Metrics and labels that are not there."""
    found: list[str] = []
    labels = set(OF_TARGETS)
    for metric, matched in metrics_of(query.expression):
        if metric not in known:
            found.append(metric)
            continue
        labels |= known[metric]
        found += [f"{metric}{{{label}}}" for label in sorted(matched - known[metric])]
    return found + sorted(grouped_by(query.expression) - labels)


@pytest.mark.parametrize("query", ALL, ids=[query.where for query in ALL])
def test_a_query_names_only_what_is_exposed(query: Query) -> None:
    assert wrong_with(query, KNOWN) == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("rate(fraud_predictions[5m])", ["fraud_predictions"]),
        ('sum(fraud_degraded_mode{reason="x"})', ["fraud_degraded_mode{reason}"]),
        ("sum by (topic) (fraud_degraded_mode)", ["topic"]),
        ("fraud_degraded_mode and on (slot) fraud_lookups_failing", ["slot"]),
    ],
)
def test_a_name_that_is_not_there_is_found(expression: str, wrong: list[str]) -> None:
    assert wrong_with(Query("made up", expression), KNOWN) == wrong


def test_a_query_of_one_job_names_what_that_job_exposes() -> None:
    jobs = {job: exposed_by(job) for job in JOBS}
    for query in ALL:
        for metric, job in re.findall(r'(fraud_\w+)\{[^}]*?job="(\w+)"', query.expression):
            assert metric in {**jobs[job], **RECORDED}, f"{query.where}: {metric} is not of {job}"


def test_an_alert_speaks_only_of_labels_that_it_has() -> None:
    for alert in alerts():
        spoken = set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"])))
        has = {label for metric, _ in metrics_of(alert["expr"]) for label in KNOWN[metric]}
        aggregated = re.match(r"\(*(?:sum|count|group) by \(([^)]*)\)", alert["expr"])
        if aggregated:
            has = {label.strip() for label in aggregated.group(1).split(",")}
        assert spoken <= has, alert["alert"]


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    used = {metric for query in ALL for metric, _ in metrics_of(query.expression)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in used}
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed() if name.startswith("fraud_")}
    # Which code runs, and how long the last look took, are there to be asked.
    assert ours - families == {"fraud_build_info", "fraud_reconcile_last_run_duration_seconds"}
