"""The benchmark of latency: several rates by turns on one stack, decisions and alerts."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from deploy.jobs.benchmarks import Rig, days_of, flag, rig
from deploy.jobs.connections import log_of
from deploy.stack.report import Report
from load.bench.alert_ear import AlertEar
from load.bench.histogram import encoded
from load.bench.latency import WARM_UP_S, waits
from load.bench.progress_bell import ProgressBell
from load.bench.supply import Supply
from load.columns import Transactions
from models.errors import Unavailable
from streams.kafka import producer_config, reader_config

# Everything has been warmed up before; a rate of its own takes this long to become steady.
SETTLE_S = 5.0
FLAGGED = "SELECT transaction_id FROM decisions WHERE decision <> 'approve' AND transaction_id = ANY(%s)"

HISTOGRAM = "hdr_histogram_us"
PERCENTILES = {"p50_ms": 50, "p99_ms": 99, "p999_ms": 99.9}
ALERTS = {"alert_p50_ms": 50, "alert_p99_ms": 99}

Waits = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """Seconds that decisions and alerts took, of the transactions of the measured time."""

    decided: Waits
    alerted: Waits


@dataclass
class Course:
    rig: Rig
    supply: Supply
    seconds: float
    linger_ms: float

    def run(self, rate: float, settle_s: float = SETTLE_S) -> Run | None:
        """None if the rate was too high; everything that was sent is decided then all the same."""
        settings = self.rig.settings
        topic, table = settings.transactions_topic, self.supply.take(int(rate * (self.seconds + settle_s)))
        before = self.rig.watch.total()
        producer = producer_config(settings, "bench-latency") | {"linger.ms": self.linger_ms}
        with closing(self._ear()) as ear, closing(ProgressBell(settings.database_url, topic)) as bell:
            try:
                due, took = waits(producer, bell, topic, table, rate)
            except Unavailable:
                self.rig.worker.check()
                self.rig.watch.wait(before + len(table), self.rig.worker.check)
                return None
            measured = due >= due[0] + settle_s
            return Run(took[measured], self._alerted(ear, table[np.flatnonzero(measured)], due[measured]))

    def _ear(self) -> AlertEar:
        settings = self.rig.settings
        with log_of(settings) as log:
            ends = {number: last for number, (_, last) in log.ends(settings.alerts_topic).items()}
        return AlertEar(reader_config(settings, "bench-latency"), settings.alerts_topic, ends)

    def _alerted(self, ear: AlertEar, table: Transactions, due: Waits) -> Waits:
        """Of those that the ledger says must have an alert: none that comes late is left out."""
        ids = table.transaction_id.tolist()
        with psycopg.connect(self.rig.settings.database_url, connect_timeout=10) as connection:
            flagged = [name for (name,) in connection.execute(FLAGGED, [ids])]
        due_of = dict(zip(ids, due.tolist(), strict=True))
        heard = ear.moments(flagged)
        return np.array([heard[name] - due_of[name] for name in flagged])


def bench_latency(
    rates: Sequence[float],
    seconds: float,
    runs: int,
    linger_ms: float,
    alert_share: float | None,
    report: Report,
) -> dict[str, Any]:
    """Medians over the runs of each rate. The figures of the first rate stand at the top as well.

    linger_ms: how long the producer gathers records; part of what is measured.
    """
    per_round = sum(int(rate * (seconds + SETTLE_S)) for rate in rates)
    needed = runs * per_round + int(rates[0] * (seconds + WARM_UP_S))
    with rig(days_of(needed), report) as found:
        if alert_share is not None:
            flag(found.settings, alert_share)
        course = Course(found, Supply(found.measured), seconds, linger_ms)
        report.waiting(f"warming everything up at {rates[0]:,.0f} tx/s")
        course.run(rates[0], WARM_UP_S)
        measured: dict[float, list[Run | None]] = defaultdict(list)
        for number in range(runs):
            for rate in rates:
                report.waiting(f"measuring {seconds:.0f} s at {rate:,.0f} tx/s ({number + 1} of {runs})")
                measured[rate].append(course.run(rate))
        told = [{"linger_ms": linger_ms, **figures(rate, measured[rate])} for rate in rates]
        return {**{name: value for name, value in told[0].items() if name != HISTOGRAM}, "rates": told}


def figures(rate: float, runs: Sequence[Run | None]) -> dict[str, Any]:
    """Medians over the runs, and the range of the p99s; None where a run could not hold the rate."""
    held = [run for run in runs if run is not None]
    found: dict[str, Any] = {"rate": rate, "runs": len(runs), "held": len(held)}
    if len(held) < len(runs):
        return {**found, **dict.fromkeys((*PERCENTILES, *ALERTS))}
    decided = {name: [_ms(run.decided, at) for run in held] for name, at in PERCENTILES.items()}
    return {
        **found,
        **{name: round(median(each), 2) for name, each in decided.items()},
        "least_p99_ms": round(min(decided["p99_ms"]), 2),
        "greatest_p99_ms": round(max(decided["p99_ms"]), 2),
        "transactions": sum(len(run.decided) for run in held),
        **_of_alerts([run.alerted for run in held]),
        HISTOGRAM: encoded(np.concatenate([run.decided for run in held])),
    }


def _of_alerts(runs: Sequence[Waits]) -> dict[str, Any]:
    """None where a run had no alert."""
    every = all(len(run) for run in runs)
    return {
        **{
            name: round(median(_ms(run, at) for run in runs), 2) if every else None
            for name, at in ALERTS.items()
        },
        "alerts": sum(map(len, runs)),
    }


def _ms(waited_s: Waits, at: float) -> float:
    return float(np.percentile(waited_s, at)) * 1000
