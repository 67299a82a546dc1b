"""What a terminal that a tenth of all transactions are at does to the others."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from deploy.jobs.bench_crowds import Crowds
from deploy.stack.report import Report
from load.bench.crowd import Crowd
from load.bench.filling import fill
from load.bench.latency import waits
from load.bench.progress_bell import ProgressBell
from load.bench.turns import turns
from streams.kafka import producer_config

SHARE, RATE, ROUNDS = 0.1, 1000.0, 3
FIRST_WARM_UP_S, WARM_UP_S = 15.0, 3.0
PERCENTILES = {"p50_ms": 50, "p99_ms": 99}
# By the share of its transactions.
WORDS = {0.0: "without", SHARE: "beside"}

Waits = Mapping[str, float]


def bench_hot_terminal(made: Crowds, crowd: Crowd, seconds: float, report: Report) -> dict[str, Any]:
    """By turns without it and with it, live; what is told are the medians of the others' figures."""
    fill(made.redis, made.start, iter([crowd.hot_history(SHARE)]))
    if not made.rig.worker.runs():
        made.rig.worker.start()
    report.waiting("warming everything up")
    _turn(made, crowd, 0.0, FIRST_WARM_UP_S, WARM_UP_S)
    found: dict[float, list[Waits]] = {share: [] for share in WORDS}
    order = turns(list(WORDS), ROUNDS)
    for turn, share in enumerate(order, 1):
        report.waiting(f"measuring {WORDS[share]} a hot terminal ({turn} of {len(order)})")
        found[share].append(_turn(made, crowd, share, WARM_UP_S, seconds))
    return {"rate": RATE, "share": SHARE, **others(found)}


def others(found: Mapping[float, Sequence[Waits]]) -> dict[str, Any]:
    """Medians over the turns, and all that they were made of."""
    told: dict[str, Any] = {}
    for share, turns_of_it in found.items():
        for name in PERCENTILES:
            figures = [round(each[name], 2) for each in turns_of_it]
            told[f"others_{name}_{WORDS[share]}"] = round(median(figures), 2)
            told[f"others_{name}_{WORDS[share]}_by_turn"] = figures
    return told


def _turn(made: Crowds, crowd: Crowd, share: float, warm_up_s: float, seconds: float) -> Waits:
    """How long transactions at other terminals waited, in milliseconds."""
    settings = made.rig.settings
    table = made.send(crowd, int(RATE * (warm_up_s + seconds)), share)
    bell = ProgressBell(settings.database_url, settings.transactions_topic)
    try:
        due, waited = waits(
            producer_config(settings, "bench"), bell, settings.transactions_topic, table, RATE
        )
    finally:
        bell.close()
    mine = (table.terminal_id != crowd.hot_terminal) & (due >= due[0] + warm_up_s)
    return {name: float(np.percentile(waited[mine], percent) * 1000) for name, percent in PERCENTILES.items()}
