"""The guard's verdict: by ratios of medians, whatever the machine."""

import pytest

from deploy.jobs.bench_guard import LEAST_RATE_RATIO, MOST_CPU_RATIO, verdict
from load.bench.throughput import Throughput
from load.peers.contest import Found


def found(tx_per_s: float, cpu_us: float) -> Found:
    """Three rounds, one of them far off."""
    usual = Throughput(tx_per_s, {"worker": cpu_us}, 1.0, 1.0, 1000)
    return Found([usual, Throughput(tx_per_s * 9, {"worker": cpu_us * 9}, 1.0, 1.0, 1000), usual])


@pytest.mark.parametrize("machine", [0.1, 1.0, 10.0])
def test_the_floors_hold_on_slow_and_fast_machines_alike(machine: float) -> None:
    yardstick = found(20_000 * machine, 20 / machine)
    at_floor = found(20_001 * machine * LEAST_RATE_RATIO, 19.99 / machine * MOST_CPU_RATIO)
    assert verdict(at_floor, yardstick)["holds"]


def test_a_worker_that_has_become_slower_or_dearer_is_caught() -> None:
    yardstick = found(20_000, 20)
    assert not verdict(found(19_900 * LEAST_RATE_RATIO, 1), yardstick)["holds"]
    assert not verdict(found(90_000, 20.1 * MOST_CPU_RATIO), yardstick)["holds"]
