"""A soak of a minute: everything is measured, and what is settled agrees."""

import pytest

from deploy.jobs.bench_soak import Plan, bench_soak
from deploy.stack.report import Report

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_short_soak_measures_every_process_and_reconciles() -> None:
    found = bench_soak(Plan(minutes=0.5, rate=300, faults=0, seed=1), Report())
    assert found["ended_early"] is None
    assert found["transactions"] == 9000
    assert found["verdicts"]["reconcile"] == {"passed": True, "says": "clean"}
    assert set(found["cpu"]) == {"worker", "kafka", "valkey", "postgres", "generator"}
    assert all(each["mean"] > 0 for each in found["memory"].values())
    assert found["started_again"] == []
