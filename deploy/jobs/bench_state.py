"""The benchmark of state: does a transaction cost more where there are many customers, or a hot terminal?"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from redis import Redis

from deploy.jobs.benchmarks import Rig, backlog_of, rig
from deploy.stack.report import Report
from load.bench.crowd import Crowd
from load.bench.filling import fill
from load.bench.latency import WARM_UP_S, waits
from load.bench.progress_bell import ProgressBell
from load.bench.throughput import Throughput
from models.features import ENTITIES
from streams.kafka import producer_config
from streams.redis_client import client_options

FEW, BACKLOG, TURNS = 5000, 200_000, ("few", "many", "many", "few", "few", "many")
HOT_SHARE, HOT_RATE, HOT_SECONDS = 0.1, 1000.0, 20.0
HOT_TURNS = (0.0, HOT_SHARE, HOT_SHARE, 0.0)


@dataclass
class Crowds:
    """Two crowds in one view, and how many transactions of each have been sent."""

    rig: Rig
    rng: np.random.Generator
    by_name: Mapping[str, Crowd]
    sent: dict[str, int]

    def send(self, name: str, count: int, hot_share: float = 0.0) -> Any:
        first = self.sent[name]
        self.sent[name] += count
        return self.by_name[name].transactions(count, first, self.rng, hot_share)


def bench_state(customers: int, report: Report) -> dict[str, Any]:
    """Few and many customers by turns on one stack; then a terminal of a tenth of all transactions."""
    with rig(1, report) as found:
        by_name = {"few": Crowd("few", FEW), "many": Crowd("many", customers)}
        crowds = Crowds(found, np.random.default_rng(1), by_name, dict.fromkeys(by_name, 0))
        memory = {name: _filled(crowds, name, report) for name in by_name}
        runs: dict[str, list[Throughput]] = {name: [] for name in by_name}
        for turn, name in enumerate(TURNS, 1):
            report.waiting(f"measuring {BACKLOG:,} transactions of {name} customers ({turn} of {len(TURNS)})")
            runs[name].append(backlog_of(found, crowds.send(name, BACKLOG)))
        cpu_us = {name: _cpu_us(each) for name, each in runs.items()}
        return {
            "customers": customers,
            **{f"{name}_cpu_us_per_tx": round(cpu, 1) for name, cpu in cpu_us.items()},
            "cpu_ratio": round(cpu_us["many"] / cpu_us["few"], 3),
            **memory["many"],
            **_hot(crowds, report),
        }


def _cpu_us(runs: list[Throughput]) -> float:
    """Of all processes."""
    return median(sum(run.cpu_us_per_tx.values()) for run in runs)


def _filled(crowds: Crowds, name: str, report: Report) -> dict[str, float]:
    """Bytes of Redis' memory for each customer: of its own history, and with the terminals'."""
    settings, crowd = crowds.rig.settings, crowds.by_name[name]
    redis = Redis.from_url(**client_options(settings.redis_url), socket_timeout=settings.scan_timeout_s)
    begun, done, by_entity = _used(redis), 0, {}
    for entity in ENTITIES:

        def filled(count: int) -> None:
            nonlocal done
            done += count
            report.waiting(f"filling histories of {name} customers: {done:,}")

        fill(redis, crowd, entity, crowds.rng, filled)
        by_entity[entity] = _used(redis) - begun
    redis.close()
    return {
        "redis_bytes_per_customer": round(by_entity["customer"] / crowd.customers, 1),
        "redis_bytes_per_customer_with_terminals": round(by_entity["terminal"] / crowd.customers, 1),
    }


def _used(redis: Any) -> int:
    return int(redis.info("memory")["used_memory"])


def _hot(crowds: Crowds, report: Report) -> dict[str, float]:
    """p99 of the transactions at other terminals, without a hot one and beside it."""
    topic, config = crowds.rig.settings.transactions_topic, producer_config(crowds.rig.settings, "bench")
    p99_ms: dict[float, list[float]] = {share: [] for share in HOT_TURNS}
    hot = crowds.by_name["many"].terminal(0)
    for turn, share in enumerate(HOT_TURNS, 1):
        report.waiting(f"measuring beside a hot terminal ({turn} of {len(HOT_TURNS)})")
        table = crowds.send("many", int(HOT_RATE * (HOT_SECONDS + WARM_UP_S)), share)
        bell = ProgressBell(crowds.rig.settings.database_url, topic)
        try:
            due, waited = waits(config, bell, topic, table, HOT_RATE)
        finally:
            bell.close()
        others = (table.terminal_id != hot) & (due >= due[0] + WARM_UP_S)
        p99_ms[share].append(float(np.percentile(waited[others], 99) * 1000))
    return {
        "p99_ms_without_hot_terminal": round(median(p99_ms[0.0]), 2),
        "p99_ms_of_others_beside_hot_terminal": round(median(p99_ms[HOT_SHARE]), 2),
    }
