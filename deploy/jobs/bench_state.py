"""The benchmark of state: does a transaction cost more where there are many customers, where histories are
long, beside a hot terminal, or once the ledger is full?"""

from collections.abc import Mapping, Sequence
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

# What one customer takes does not depend on how many there are.
SAMPLE = 20_000
# So many that their histories do not grow much from one run to the next; more take longer to fill.
LEDGER_CUSTOMERS = 100_000
# Transactions a day of each customer, where histories of several lengths are compared.
A_DAY = (2, 8, 32)


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

    def by_customers(self) -> list[Crowd]:
        return [crowd_of(customers) for customers in self.customers]

    def by_length(self) -> list[Crowd]:
        return [crowd_of(min(self.customers), a_day) for a_day in A_DAY]

    def largest(self) -> Crowd:
        return crowd_of(max(self.customers))

    def needed(self) -> list[Crowd]:
        """Crowds whose histories are needed, each once."""
        by_part = {"customers": self.by_customers(), "lengths": self.by_length(), "hot": [self.largest()]}
        return list(dict.fromkeys(crowd for part in by_part if part in self.parts for crowd in by_part[part]))


def bench_state(plan: Plan, report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if needed := plan.needed():
        with crowds(needed, report) as made:
            if "customers" in plan.parts:
                found |= _by_customers(made, plan, report)
            if "lengths" in plan.parts:
                found["lengths"] = _by_length(made, plan, report)
            if "hot" in plan.parts:
                found["hot_terminal"] = bench_hot_terminal(made, plan.largest(), plan.hot_s, report)
    if "ledger" in plan.parts:
        crowd = crowd_of(min(max(plan.customers), LEDGER_CUSTOMERS))
        found["ledger"] = bench_ledger_rows(crowd, plan.ledger_rows, plan.transactions, plan.runs, report)
    return found


def _by_customers(made: Crowds, plan: Plan, report: Report) -> dict[str, Any]:
    by_month = {name: _bytes_of_a_month(made, name == "appended") for name in ("appended", "compacted")}
    measured = _by_turns(made, plan.by_customers(), plan, report)
    rows = [
        {
            "customers": crowd.customers,
            "customers_touched_in_a_run": made.touched[crowd],
            **{f"redis_bytes_per_{entity}": made.bytes_each[crowd, entity] for entity in ENTITIES},
            **middle(runs),
        }
        for crowd, runs in measured.items()
    ]
    return {"customers": rows, **cpu_ratios(rows), "redis_bytes_per_customer_by_month": by_month}


def _by_length(made: Crowds, plan: Plan, report: Report) -> list[dict[str, Any]]:
    return [
        {
            "records_per_customer": crowd.records("customer"),
            "records_per_terminal": crowd.records("terminal"),
            **middle(runs),
        }
        for crowd, runs in _by_turns(made, plan.by_length(), plan, report).items()
    ]


def _by_turns(
    made: Crowds, who: Sequence[Crowd], plan: Plan, report: Report
) -> dict[Crowd, list[Throughput]]:
    """The first round is not counted: Kafka's server compiles what it does often."""
    order = turns(who, plan.runs + 1)
    measured: dict[Crowd, list[Throughput]] = {crowd: [] for crowd in who}
    for turn, crowd in enumerate(order, 1):
        what = f"{crowd.customers:,} customers, {crowd.customer_a_day} transactions a day each"
        report.waiting(f"measuring {what} ({turn} of {len(order)})")
        measured[crowd].append(backlog_of(made.rig, made.send(crowd, plan.transactions)))
    return {crowd: runs[1:] for crowd, runs in measured.items()}


def _bytes_of_a_month(made: Crowds, appended: bool) -> float:
    """Of Redis' memory, for a customer's history alone."""
    return round(made.bytes_of(Crowd("month", SAMPLE).month(made.rng, appended)), 1)


def cpu_ratios(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """CPU for each transaction in the last of these rows, against the first: the worker's, and all."""
    return {
        f"{who}_cpu_ratio": round(rows[-1][f"{who}_cpu_us_per_tx"] / rows[0][f"{who}_cpu_us_per_tx"], 3)
        for who in ("worker", "all")
    }
