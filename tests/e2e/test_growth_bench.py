"""The benchmarks of growth do run, on few customers and rows, and tell what they are asked for."""

import pytest

from deploy.jobs.bench_state import PARTS, Plan, bench_state
from deploy.stack.report import Report

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


def test_state_tells_customers_memory_a_hot_terminal_and_the_ledger() -> None:
    plan = Plan(PARTS, [1000, 5000], [0, 20_000], transactions=10_000, runs=1, hot_s=2)
    found = bench_state(plan, Report())
    few, many = found["customers"]
    assert (few["customers"], many["customers"]) == (1000, 5000)
    assert few["customers_touched_in_a_run"] <= 1000 < many["customers_touched_in_a_run"]
    by_month = found["redis_bytes_per_customer_by_month"]
    assert 60 * 12 < by_month["compacted"] < by_month["appended"] < 2000
    assert found["hot_terminal"]["others_p99_ms_beside"] > 0
    empty, filled = found["ledger"]
    # What was sent in between stands there, too.
    assert filled["rows_before"] - empty["rows_before"] == 20_000 + 2 * 10_000
    assert min(each["tx_per_s"] for each in (few, many, empty, filled)) > 0
