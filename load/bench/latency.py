"""How long a transaction takes from the moment it is due to be produced to its committed decision."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from load.bench.open_loop import (
    Bell,
    CommitTimes,
    Moments,
    OpenLoop,
    drain,
    due_at,
    nowhere,
    records_of,
    waited,
)
from load.columns import Transactions
from streams.kafka import Config

# Kafka's Java code is slow until it has been compiled, which takes it that long at such a rate.
WARM_UP_S = 20.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds; `rate` is what was asked for, `measured` how many transactions were counted."""

    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    measured: int

    def rounded(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "p50_ms": round(self.p50_ms, 2),
            "p99_ms": round(self.p99_ms, 2),
            "p999_ms": round(self.p999_ms, 2),
            "transactions": self.measured,
        }


def measure_latency(
    config: Config,
    bell: Bell,
    topic: str,
    table: Transactions,
    rate: float,
    seconds: float,
    warm_up_s: float = WARM_UP_S,
) -> Latency:
    """Produce at a steady rate for so long, after a warm-up that is not counted.

    Raises:
        KafkaUnavailable: Kafka did not take all, or they were not settled in time.
    """
    due, took = waits(config, bell, topic, table[: int(rate * (seconds + warm_up_s))], rate)
    measured = took[due >= due[0] + warm_up_s]
    p50, p99, p999 = (np.percentile(measured, [50, 99, 99.9]) * 1000).tolist()
    return Latency(rate, p50, p99, p999, len(measured))


def waits(
    config: Config, bell: Bell, topic: str, table: Transactions, rate: float
) -> tuple[Moments, Moments]:
    """Produce a table at a steady rate: when each transaction was due, and how long it waited, in seconds.

    Raises:
        KafkaUnavailable: Kafka did not take all, or they were not settled in time.
    """
    commits, loop = CommitTimes(bell), OpenLoop(config, topic)
    records, places = records_of(table), nowhere(len(table))
    commits.start()
    try:
        due = time.perf_counter() + due_at(rate, 0, len(table))
        loop.send(records, due, places)
        loop.finish()
        drain(commits, places)
        return due, waited(commits, due, places)
    finally:
        commits.stop()
