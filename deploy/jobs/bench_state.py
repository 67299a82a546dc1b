"""The benchmark of state: does a transaction cost more where there are many customers, beside a hot terminal,
or once the ledger is full?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.jobs.bench_crowds import Crowds, crowd_of, crowds
from deploy.jobs.bench_hot_terminal import bench_hot_terminal
from deploy.jobs.bench_ledger_rows import bench_ledger_rows
from deploy.jobs.benchmarks import backlog_of
from deploy.stack.report import Report
from load.bench.crowd import Crowd
from load.bench.throughput import Throughput, middle
from load.bench.turns import turns
from models.features import ENTITIES

PARTS = ("customers", "hot", "ledger")
# What one customer takes does not depend on how many there are.
SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared: numbers of customers, and of rows in the ledger, each by so many runs of so many
    transactions. hot_s: how long each turn beside a hot terminal is measured."""

    parts: Sequence[str]
    customers: Sequence[int]
    ledger_rows: Sequence[int]
    transactions: int
    runs: int
    hot_s: float


def bench_state(plan: Plan, report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if {"customers", "hot"} & set(plan.parts):
        with crowds(plan.customers, report) as made:
            if "customers" in plan.parts:
                found |= _by_customers(made, plan, report)
            if "hot" in plan.parts:
                found["hot_terminal"] = bench_hot_terminal(made, max(plan.customers), plan.hot_s, report)
    if "ledger" in plan.parts:
        crowd = crowd_of(min(plan.customers))
        found["ledger"] = bench_ledger_rows(crowd, plan.ledger_rows, plan.transactions, plan.runs, report)
    return found


def _by_customers(made: Crowds, plan: Plan, report: Report) -> dict[str, Any]:
    by_month = {name: _bytes_of_a_month(made, name == "appended") for name in ("appended", "compacted")}
    touched: dict[int, int] = {}

    def run(customers: int) -> Throughput:
        table = made.send(customers, plan.transactions)
        touched[customers] = len(set(table.customer_id.tolist()))
        return backlog_of(made.rig, table)

    rows = [
        {
            "customers": customers,
            "customers_touched_in_a_run": touched[customers],
            **{f"redis_bytes_per_{entity}": made.bytes_each[customers, entity] for entity in ENTITIES},
            **middle(runs),
        }
        for customers, runs in _by_turns(plan, run, report).items()
    ]
    return {"customers": rows, **cpu_ratios(rows), "redis_bytes_per_customer_by_month": by_month}


def _by_turns(plan: Plan, run: Callable[[int], Throughput], report: Report) -> dict[int, list[Throughput]]:
    """The first round is not counted: Kafka's server compiles what it does often."""
    order = turns(plan.customers, plan.runs + 1)
    measured: dict[int, list[Throughput]] = {customers: [] for customers in plan.customers}
    for turn, customers in enumerate(order, 1):
        report.waiting(f"measuring {customers:,} customers ({turn} of {len(order)})")
        measured[customers].append(run(customers))
    return {customers: runs[1:] for customers, runs in measured.items()}


def _bytes_of_a_month(made: Crowds, appended: bool) -> float:
    """Of Redis' memory, for a customer's history alone."""
    return round(made.bytes_of(Crowd("month", SAMPLE).month(made.rng, appended)), 1)


def cpu_ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """CPU for each transaction in the last of these rows, against the first: the worker's, and all."""
    return {
        f"{who}_cpu_ratio": round(rows[-1][f"{who}_cpu_us_per_tx"] / rows[0][f"{who}_cpu_us_per_tx"], 3)
        for who in ("worker", "all")
    }
