"""The benchmark of what the guarantee costs: put together on a stack of its own."""

from dataclasses import replace
from typing import Any

import numpy as np

from deploy.jobs.benchmarks import WARM_DAYS, rig
from deploy.jobs.connections import ledger_of, view_of
from deploy.stack.report import Report
from load.bench.guarantee import measure_guarantee
from models.history import EVENT, pack
from streams.ports import Additions, Change, Ledger, View
from streams.settings import variable_of

PLAIN_WORKER = "load.bench.unguarded"
DAYS = 60
NOTHING = pack(np.zeros(0, np.int64), np.zeros(0, np.int64), EVENT)


def bench_guarantee(report: Report, days: int = DAYS, warm_days: int = WARM_DAYS) -> dict[str, Any]:
    with (
        rig(days, report, warm_days) as found,
        view_of(found.settings) as view,
        ledger_of(found.settings) as ledger,
    ):
        report.waiting(f"measuring {len(found.measured):,} transactions, with the guarantee and without it")
        # A worker's role may change histories by our own function alone; the plain one acts as the owner.
        owner = {
            variable_of("database_url_worker"): found.settings.database_url,
            variable_of("redis_url_worker"): found.settings.redis_url,
        }
        environment = {**found.worker.environment, **owner, "FRAUDML_SLOT": str(found.worker.slot)}
        log = found.stack.home / "plain-worker.log"
        plain = replace(found.worker, environment=environment, log=log, module=PLAIN_WORKER, _process=None)
        found.worker.stop()
        topic = found.settings.transactions_topic
        try:
            return measure_guarantee(
                found.worker,
                plain,
                found.watch,
                found.pusher,
                topic,
                found.measured,
                lambda: catch_up(view, ledger),
            ).document()
        finally:
            plain.kill()


def catch_up(view: View, ledger: Ledger) -> None:
    """Set the watermarks to the progress: what lies between is in the histories already."""
    groups = view.read({}, [], {}).groups
    views = {number: state.view for number, state in enumerate(groups) if state.view is not None}
    progress = ledger.all_progress()
    groups = view.read(views, list(progress), {}).groups
    nothing = Additions({"customer": [], "terminal": []}, {"customer": NOTHING, "terminal": NOTHING})
    for number, name in views.items():
        moves = {each: (groups[number].watermarks[each], reached) for each, reached in progress.items()}
        view.apply(Change({number: name}, moves, nothing))
