"""What the variants of the split in force have done, by the ledger."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from deploy.jobs.rules import split_in_force
from deploy.stack.report import Report
from load.columns import codes_of
from models.ab_report import report
from models.costs import Costs
from models.errors import Misuse
from models.features import LABEL_DELAY_S
from streams.ledger.outcomes import outcomes_of
from streams.settings import Settings

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def reported(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    costs: Costs,
    *,
    seed: int,
    say: Report,
) -> dict[str, Any]:
    """Over matured labels: of transactions that are a label delay old, by event time, and that the split in
    force has dealt.

    Raises:
        Misuse: the range is empty.
        BadFile: no variant has a labelled decision.
        LedgerUnavailable: Postgres cannot be reached.
    """
    now = datetime.now(UTC)
    matured = now - timedelta(seconds=LABEL_DELAY_S)
    if since and until and since >= until:
        raise Misuse(f"--since {since:%Y-%m-%d %H:%M} is not before --until", next_step="exchange them")
    if until and until > matured:
        say.note(f"labels take a week: counted until {matured:%Y-%m-%d %H:%M} UTC")
    until = min(until or matured, matured)
    say.waiting("reading the ledger")
    split = split_in_force(settings)
    url, timeout_s = settings.database_url, settings.scan_timeout_s
    found = outcomes_of(url, timeout_s, since or LONG_AGO, until, now, split.version)
    say.waiting(f"resampling {len(found):,} labelled decisions")
    shares = {variant.name: variant.weight for variant in split.variants}
    of_each = found.by_variant(split, codes_of(found.customer_id).astype(np.int64))
    document: dict[str, Any] = msgspec.to_builtins(report(of_each, shares, costs, seed=seed))
    for variant in document["variants"]:
        variant["models"] = found.models[variant["name"]]
    return {"ab_version": split.version, "until": until.isoformat(), **document}


def log_to_mlflow(settings: Settings, found: dict[str, Any]) -> None:
    """One run for each variant.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    from models.mlflow_registry import log_figures

    for variant in found["variants"]:
        figures = {name: value for name, value in variant.items() if isinstance(value, int)}
        intervals = {name: value for name, value in variant.items() if isinstance(value, dict)}
        figures |= {name: value["value"] for name, value in intervals.items()}
        words = {"variant": variant["name"], "ab_version": found["ab_version"], "until": found["until"]}
        log_figures(f"A/B {variant['name']}", words, figures)
