"""The benchmark of growth does run, on few customers, and tells what it is asked for."""

import pytest

from deploy.jobs.bench_state import Plan, bench_state
from deploy.stack.report import Report

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


def test_state_tells_customers_lengths_memory_and_a_hot_terminal() -> None:
    plan = Plan(["customers", "lengths", "hot"], [1000, 5000], [0], transactions=10_000, runs=1, hot_s=2)
    found = bench_state(plan, Report())
    few, many = found["customers"]
    assert (few["customers"], many["customers"]) == (1000, 5000)
    assert few["customers_touched_in_a_run"] <= 1000 < many["customers_touched_in_a_run"]
    assert [each["records_per_customer"] for each in found["lengths"]] == [82.0, 329.5, 1319.5]
    by_month = found["redis_bytes_per_customer_by_month"]
    assert 60 * 12 < by_month["compacted"] < by_month["appended"] < 2000
    assert found["hot_terminal"]["others_p99_ms_beside"] > 0
    assert min(each["tx_per_s"] for each in (few, many)) > 0
