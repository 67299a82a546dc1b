"""Decisions out of the ledger, into a file."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from deploy.jobs.connections import scan_of
from load.feature_file import write_columns
from models.decision import DecidedTransaction
from models.errors import NotFound
from models.features import FEATURE_NAMES
from models.reasons import codes_of_reasons
from streams.codecs import encode
from streams.ledger.scan import ExportedRow
from streams.settings import Settings

TEXTS = (
    "transaction_id",
    "customer_id",
    "terminal_id",
    "currency",
    "decision",
    "variant",
    "model_name",
    "model_version",
    "policy_version",
    "ab_version",
    "path",
    "degraded_reason",
)
TIMES = ("event_time", "decided_at")
ZONED = pa.timestamp("us", "UTC")


def export_decisions(settings: Settings, path: Path) -> int:
    """Write every decision with its features, a column each, in the order of event time. How many.

    Raises:
        NotFound: the ledger holds no decision.
        BadFile: the file cannot be written.
    """
    with scan_of(settings) as scan, without_collecting():
        chunks = scan.exported()
        first = next(chunks, None)
        if first is None:
            raise NotFound("the ledger holds no decision yet", next_step="fraudml demo, or fraudml replay")
        return write_columns(path, (_table(chunk) for chunk in _with(first, chunks)))


@contextmanager
def without_collecting() -> Iterator[None]:
    """Rows go when nothing refers to them; looking for cycles among them takes a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _with(first: list[ExportedRow], rest: Iterator[list[ExportedRow]]) -> Iterator[list[ExportedRow]]:
    yield first
    yield from rest


def _table(rows: list[ExportedRow]) -> Any:
    decided = [row.decided for row in rows]
    columns = {name: pa.array([getattr(each, name) for each in decided], pa.string()) for name in TEXTS}
    columns |= {name: pa.array([getattr(each, name) for each in decided], ZONED) for name in TIMES}
    columns["amount_minor"] = pa.array([each.amount_minor for each in decided], pa.int64())
    columns["score"] = pa.array([each.score for each in decided], pa.float64())
    columns["late"] = pa.array([each.late for each in decided], pa.bool_())
    columns["reasons"] = pa.array([codes_of_reasons(each.reasons) for each in decided], pa.list_(pa.string()))
    columns["attributes"] = pa.array([_attributes(each) for each in decided], pa.string())
    return pa.table(columns | _features(rows))


def _attributes(decided: DecidedTransaction) -> str | None:
    return encode(decided.attributes).decode() if decided.attributes else None


def _features(rows: list[ExportedRow]) -> dict[str, Any]:
    """Each of today's features; null in rows that were decided without it."""
    values = np.full((len(rows), len(FEATURE_NAMES)), np.nan)
    for position, row in enumerate(rows):
        known = {name: place for place, name in enumerate(row.feature_names)}
        places = [known.get(name) for name in FEATURE_NAMES]
        if row.feature_names == list(FEATURE_NAMES):
            values[position] = row.features
        else:
            values[position] = [np.nan if place is None else row.features[place] for place in places]
    return {name: pa.array(values[:, index], from_pandas=True) for index, name in enumerate(FEATURE_NAMES)}
