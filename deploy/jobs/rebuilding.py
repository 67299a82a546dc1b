"""Make the view anew from the ledger, while workers go on."""

import secrets
import time
from typing import Any

from prometheus_client import CollectorRegistry

from deploy.jobs.connections import ledger_of, view_of
from deploy.jobs.noting import noted
from deploy.stack.report import Report
from streams.healing import ViewKeeper
from streams.metrics import Metrics
from streams.settings import Settings


def rebuild_view(settings: Settings, report: Report, *, who: str | None, why: str) -> dict[str, Any]:
    """`{"records": offsets that were applied, "seconds": ..., "records_per_s": ...}`

    Raises:
        Unavailable: Postgres or Redis is away.
        ViewMoved: somebody kept beginning the view anew.
    """
    with noted(settings, "rebuild", "view", {}, who=who, why=why) as ending:
        records, seconds = _rebuild(settings, report)
        ending["after"] = f"{records} records"
    return {
        "records": records,
        "seconds": round(seconds, 3),
        "records_per_s": round(records / seconds, 1),
    }


def _rebuild(settings: Settings, report: Report) -> tuple[int, float]:
    """Offsets that were applied, and the seconds that it took."""
    healed: list[int] = []
    with ledger_of(settings) as ledger, view_of(settings) as view:
        total = sum(ledger.all_progress().values()) * view.groups
        with report.counting("rebuilding", total) as count:

            def note(some: int) -> None:
                healed.append(some)
                count(some)

            keeper = ViewKeeper(
                ledger, view, lambda: secrets.token_hex(4), Metrics(CollectorRegistry()), progress=note
            )
            began = time.perf_counter()
            keeper.rebuild()
            return sum(healed), time.perf_counter() - began
