"""The benchmark of recovery: put together on a stack of its own."""

import secrets
import time
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from deploy.jobs.benchmarks import Rig, rig
from deploy.jobs.connections import ledger_of, view_of
from deploy.stack.report import Report
from load.bench.recovery import PER_RECORDS, Burst, Recovery, heal_s, kafka_restart_s, rebuild_s, takeover_s
from load.chaos.crew import Crew
from streams.healing import ViewKeeper
from streams.metrics import Metrics

# Long enough for a second worker to have joined and to have been given its half.
JOINED_S = 15.0
HEALED = "fraud_view_healed_offsets_total"


def bench_recovery(report: Report) -> dict[str, Any]:
    with rig(5, report) as found:
        burst = Burst(found.pusher, found.watch, found.settings.transactions_topic, found.measured)
        report.waiting("killing one of two workers")
        takeover = _takeover_s(found, burst)
        report.waiting("killing Kafka")
        restart = _kafka_restart_s(found, burst)
        report.waiting("cutting and wiping Redis")
        (healed, heal), (rebuilt, rebuild) = _healing(found)
    per = heal / max(healed, 1) * PER_RECORDS
    return Recovery(takeover, restart, healed, per, rebuilt, rebuilt / rebuild).rounded()


def _kafka_restart_s(found: Rig, burst: Burst) -> float:
    """With a supervisor: a worker whose transaction the dead Kafka took along may have to begin anew."""
    found.worker.stop()
    crew = Crew(lambda slot: found.worker)
    try:
        crew.open(1)
        return kafka_restart_s(burst, found.stack)
    finally:
        crew.close()


def _takeover_s(found: Rig, burst: Burst) -> float:
    second = replace(found.worker, slot=1, log=found.stack.home / "worker-1.log", _process=None)
    second.start()
    try:
        time.sleep(JOINED_S)
        return takeover_s(burst, second)
    finally:
        second.kill()


def _healing(found: Rig) -> tuple[tuple[int, float], tuple[int, float]]:
    registry = CollectorRegistry()
    with view_of(found.settings) as view, ledger_of(found.settings) as ledger:
        keeper = ViewKeeper(ledger, view, lambda: secrets.token_hex(4), Metrics(registry))

        def healed() -> float:
            return registry.get_sample_value(HEALED) or 0.0

        return heal_s(found.stack, keeper, healed), rebuild_s(found.settings.redis_url, keeper, healed)
