"""Does a transaction cost more once the ledger holds many rows?"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from deploy.jobs.bench_crowds import crowds
from deploy.jobs.benchmarks import backlog_of
from deploy.stack.report import Report
from load.bench.crowd import Crowd
from load.bench.ledger_rows import LedgerRows
from load.bench.throughput import Throughput, middle


def bench_ledger_rows(
    crowd: Crowd, rows: Sequence[int], transactions: int, runs: int, report: Report
) -> list[dict[str, Any]]:
    """One after the other, as a ledger does not forget: rows in ascending order. The worker's own CPU, which
    has no reason to grow, tells how much the machine changed meanwhile."""
    with (
        crowds([crowd], report) as made,
        closing(LedgerRows(made.rig.settings.database_url)) as ledger,
    ):

        def measured(standing: int, run: int) -> Throughput:
            report.waiting(f"measuring with {standing:,} rows in the ledger ({run} of {runs})")
            return backlog_of(made.rig, made.send(crowd, transactions))

        found = []
        for wanted in rows:
            standing = ledger.fill(
                crowd, wanted, lambda done: report.waiting(f"rows in the ledger: {done:,}")
            )
            # The first run is not counted: what filling has left behind is still being written.
            counted = [measured(standing, run) for run in range(runs + 1)][1:]
            found.append({"rows_before": standing, **middle(counted)})
            postgres_us = found[-1]["postgres_cpu_us_per_tx"]
            report.note(f"{standing:,} rows: {postgres_us} µs of Postgres' CPU a transaction")
        return found
