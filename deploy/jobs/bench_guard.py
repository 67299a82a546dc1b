"""The guard against getting slower: ours beside a plain loop that does the same job without a promise.

Figures of one machine say nothing on another; the ratio of two programs that take turns on it does.
"""

from typing import Any

from deploy.jobs.bench_peers import contest
from deploy.stack.report import Report
from load.peers.contest import Found
from load.peers.peers import YARDSTICK, peers_named

ROUNDS = 4
TRANSACTIONS = 12_000
# Shorter histories than a benchmark's: both read the same.
WARM_DAYS = 8
# In four runs on two shared cores ours did 0.90 to 1.15 times the yardstick's rate, for 0.63 to 0.74 times
# its CPU. The worst of each, and a quarter more: noise passes, a third more CPU than usual does not.
LEAST_RATE_RATIO = 0.67
MOST_CPU_RATIO = 0.92


def bench_guard(report: Report) -> dict[str, Any]:
    """holds: false once ours costs more, beside the yardstick, than it did when the floors were set."""
    with contest(peers_named([YARDSTICK]), (ROUNDS + 1) * TRANSACTIONS, report, WARM_DAYS) as found:
        for number in range(ROUNDS + 1):
            found.round(number, TRANSACTIONS, counts=number > 0)
        return verdict(found.found["ours"], found.found[YARDSTICK])


def verdict(ours: Found, yardstick: Found) -> dict[str, Any]:
    """Ratios of medians: of rates, and of CPU for each transaction."""
    rate = ours.tx_per_s / yardstick.tx_per_s
    cpu = ours.cpu_us_per_tx / yardstick.cpu_us_per_tx
    return {
        "rate_ratio": round(rate, 3),
        "cpu_ratio": round(cpu, 3),
        "least_rate_ratio": LEAST_RATE_RATIO,
        "most_cpu_ratio": MOST_CPU_RATIO,
        "holds": rate >= LEAST_RATE_RATIO and cpu <= MOST_CPU_RATIO,
    }
