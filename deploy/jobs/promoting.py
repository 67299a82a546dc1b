"""The benchmark of a promotion: a new version, a damaged one and a rollback under load, on a stack of its
own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import numpy as np
import psycopg

from deploy.jobs.benchmarks import worker_environment
from deploy.jobs.promotable import flipped, register_promotable
from deploy.origins import refuse_external_servers
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from deploy.stack.workers import STORES
from load.bench.latency import waits
from load.bench.progress_bell import ProgressBell
from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import warm_up
from load.bench.worker_process import WorkerProcess
from load.chaos.arena import Versions
from load.columns import Transactions, concatenated
from load.generator import START, simulate
from load.parameters import SimulatorParameters
from load.producer import Pusher
from models.boosters import registered_name
from streams.kafka import producer_config
from streams.settings import Settings

CUSTOMERS, WARM_DAYS, TRAIN_DAYS = 5000, 8, 7
WARM_UP_S, PHASE_S = 15.0, 15.0
XGBOOST = registered_name("xgboost")
# Of a variant, when a version decided first and last from a moment on.
DECIDED = """
    SELECT model_version, min(decided_at), max(decided_at)
    FROM decisions JOIN scorings USING (scoring_id) WHERE model_name = %s AND decided_at >= %s GROUP BY 1
"""
MISTAKEN = """
    SELECT count(*) FROM decisions JOIN scorings USING (scoring_id)
    WHERE (model_name, model_version) NOT IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


@dataclass(frozen=True)
class Scene:
    """Two workers under load, and a second and a damaged version that nobody has promoted yet."""

    stack: Stack
    settings: Settings
    workers: list[WorkerProcess]
    table: Transactions
    versions: Versions


def bench_promotion(rate: float, report: Report) -> dict[str, Any]:
    """Promote, roll back, and promote a damaged file, each a quarter of a minute after the other."""
    refuse_external_servers("a benchmark")
    report.waiting("starting a stack with a registry, and training")
    with _scene(rate, report) as scene:
        report.waiting(f"{rate:,.0f} tx/s, and three promotions meanwhile")
        pids = [worker.process().pid for worker in scene.workers]
        moments: list[datetime] = []
        done: dict[str, Any] = {}
        actions = Thread(target=lambda: done.update(_act(scene, moments)), daemon=True)
        bell = ProgressBell(scene.settings.database_url, scene.settings.transactions_topic)
        try:
            actions.start()
            config = producer_config(scene.settings, "bench-promotion")
            due, waited = waits(config, bell, scene.settings.transactions_topic, scene.table, rate)
        finally:
            bell.close()
        actions.join()
        return {**_percentiles(due, waited), **done, **_rows(scene, moments), "same_pids": _same(scene, pids)}


def _act(scene: Scene, moments: list[datetime]) -> dict[str, Any]:
    from models.promotions import promote, roll_back

    steps: list[Callable[[], Any]] = [
        lambda: promote(XGBOOST, "champion", scene.versions.good[1], why="bench"),
        lambda: roll_back(XGBOOST, "champion", why="bench"),
        lambda: promote(XGBOOST, "champion", scene.versions.damaged[0], why="bench"),
    ]
    time.sleep(WARM_UP_S)
    took = []
    for step in steps:
        time.sleep(PHASE_S)
        moments.append(datetime.now(UTC))
        began = time.perf_counter()
        step()
        took.append(time.perf_counter() - began)
    return {"promote_call_s": round(max(took), 2)}


def _percentiles(due: Any, waited: Any) -> dict[str, float]:
    since = due - due[0]
    found = {}
    for number, name in enumerate(("before", "promoting", "rolling_back", "damaged")):
        inside = (since >= WARM_UP_S + number * PHASE_S) & (since < WARM_UP_S + (number + 1) * PHASE_S)
        found[f"p99_ms_{name}"] = round(float(np.percentile(waited[inside], 99)) * 1000, 1)
    return found


def _rows(scene: Scene, moments: list[datetime]) -> dict[str, Any]:
    """How long after each promotion the version before still decided, and whether any row is mistaken."""
    with psycopg.connect(scene.settings.database_url) as connection:
        after = [
            {
                version: (first, last)
                for version, first, last in connection.execute(DECIDED, [XGBOOST, moment])
            }
            for moment in moments
        ]
        known = ["1", scene.versions.good[1]]
        names = [XGBOOST] * len(known) + [registered_name("lightgbm")]
        (mistaken,) = connection.execute(MISTAKEN, [names, [*known, "1"]]).fetchone() or (0,)
        (total,) = connection.execute("SELECT count(*) FROM decisions").fetchone() or (0,)
    return {
        "live_s": _seconds(after[0][scene.versions.good[1]][0], moments[0]),
        "live_everywhere_s": _last_before(scene, "1", moments[0], moments[1]),
        "rolled_back_everywhere_s": _last_before(scene, scene.versions.good[1], moments[1], moments[2]),
        "damaged_rows": int(scene.versions.damaged[0] in after[2]),
        "mistaken_rows": int(mistaken),
        "rows": int(total),
    }


def _last_before(scene: Scene, version: str, since: datetime, until: datetime) -> float:
    """Until when a version still decided after another one had been promoted."""
    query = """
        SELECT max(decided_at) FROM decisions JOIN scorings USING (scoring_id)
        WHERE model_name = %s AND model_version = %s AND decided_at >= %s AND decided_at < %s
    """
    with psycopg.connect(scene.settings.database_url) as connection:
        row = connection.execute(query, [XGBOOST, version, since, until]).fetchone()
    return _seconds(row[0], since) if row and row[0] else 0.0


def _seconds(moment: datetime, since: datetime) -> float:
    return round((moment - since).total_seconds(), 2)


def _same(scene: Scene, pids: list[int]) -> bool:
    return [worker.process().pid for worker in scene.workers] == pids


@contextmanager
def _scene(rate: float, report: Report) -> Iterator[Scene]:
    with temporary_stack((*STORES, "mlflow")) as stack:
        settings = stack.settings
        needed = rate * (WARM_UP_S + 4 * PHASE_S)
        days = int(needed / CUSTOMERS / 1.5) + 1
        tables = list(simulate(SimulatorParameters(customers=CUSTOMERS), seed=1, days=WARM_DAYS + days))
        warm, table = concatenated(tables[:WARM_DAYS]), concatenated(tables[WARM_DAYS:])[: int(needed)]
        last = START + timedelta(days=WARM_DAYS - 1)
        first_day = last - timedelta(days=TRAIN_DAYS - 1)
        versions = register_promotable(warm, first_day, last, settings, stack.home, (flipped,), report)
        first = WorkerProcess(worker_environment(stack), stack.home / "worker-0.log")
        workers = [first, replace(first, slot=1, log=stack.home / "worker-1.log", _process=None)]
        watch = ProgressWatch(settings.database_url, settings.transactions_topic)
        pusher = Pusher(producer_config(settings, "bench"), clock=time.monotonic, sleep=time.sleep)
        try:
            report.waiting(f"warming histories with {len(warm):,} transactions")
            warm_up(first, watch, pusher, settings.transactions_topic, warm)
            workers[1].start()
            yield Scene(stack, settings, workers, table, versions)
        finally:
            for worker in workers:
                worker.kill()
            watch.close()
