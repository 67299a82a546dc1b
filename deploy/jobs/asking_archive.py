"""Questions to the files of the archive, proven before they are believed."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce
from operator import and_
from typing import Any

import msgspec
import pyarrow.compute as pc
import pyarrow.dataset as ds

from deploy.archive.files import SCHEMA
from deploy.archive.store import proven
from deploy.jobs.archiving import listed
from deploy.jobs.connections import ledger_of
from deploy.stack.report import Report
from models.errors import NotFound
from streams.ledger.archiving import ArchivedMonth
from streams.settings import Settings

AT_ONCE = 10_000
AS_JSON = ("attributes", "reasons")
NOT_AS_STORED = ("feature_names", "features", "body_hash")


def found(
    settings: Settings, months: Sequence[date], wanted: dict[str, str], report: Report
) -> Iterator[dict[str, Any]]:
    """Archived decisions, month by month in the order they were made, as documents with every column.

    months: all of the archive if none; where an id is wanted, the month it is known to lie in.
    wanted: what columns must be equal to.

    Raises:
        NotFound: there is no such month, or no such id, in the archive.
        BadArchive: a file is not what was written.
    """
    for month in _asked(settings, months, wanted.get("transaction_id")):
        report.waiting(f"reading {month.file}")
        with proven(month) as path:
            conditions = [pc.field(name) == value for name, value in wanted.items()]
            chosen = reduce(and_, conditions) if conditions else None
            for batch in ds.dataset(path).to_batches(filter=chosen, batch_size=AT_ONCE):
                yield from map(_document, batch.to_pylist())


def _asked(settings: Settings, months: Sequence[date], transaction_id: str | None) -> list[ArchivedMonth]:
    known = {each.month: each for each in listed(settings)}
    if transaction_id is not None:
        with ledger_of(settings) as ledger:
            left = ledger.archived(transaction_id)
        if left is None:
            raise NotFound(
                f"{transaction_id} is not in the archive", next_step=f"fraudml decisions get {transaction_id}"
            )
        months = [left.month]
    if missing := [each for each in months if each not in known]:
        raise NotFound(f"{missing[0]:%Y-%m} is not in the archive", next_step="fraudml archive list")
    return [known[each] for each in sorted(months or known)]


def _document(row: dict[str, Any]) -> dict[str, Any]:
    parsed = {name: msgspec.json.decode(row[name]) if row[name] else None for name in AS_JSON}
    features = dict(zip(row["feature_names"].split(","), row["features"], strict=True))
    times = {name: row[name].isoformat() for name in ("event_time", "decided_at")}
    left = {name: row[name] for name in SCHEMA.names if name not in NOT_AS_STORED}
    return {**left, **parsed, **times, "features": features}
