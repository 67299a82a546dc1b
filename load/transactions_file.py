"""Tables of transactions in files: Parquet or CSV, whatever their columns are called."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from load import cells
from load.column_map import ColumnMap
from load.columns import DAY_MS, Ids, Ints, Transactions, concatenated, day_of, midnight_ms
from load.record_batches import record_batches, suffix_of
from load.table_writer import appearing_whole, open_writer
from models.errors import BadFile


def read_transactions(
    path: str | os.PathLike[str], column_map: ColumnMap, *, start: date | None = None, end: date | None = None
) -> Transactions:
    """The file's transactions of the UTC days from `start` to `end`, both included, in event-time order.

    Equal times keep the order of the file. All times are checked; of the other cells only those in the range.

    Raises:
        BadFile: the file, a column or a value is not what the map says, or nothing is in the range.
    """
    reader = Reader(Path(path), column_map, start or date.min, end or date.max)
    tables = []
    row = 1
    for batch in record_batches(reader.path, column_map.columns.named()):
        tables.append(reader.table(batch, row))
        row += len(batch)
    found = [table for table in tables if len(table)]
    if not found:
        raise reader.nothing_found()
    table = concatenated(found)
    return table[np.argsort(table.event_time_ms, kind="stable")]


def write_transactions(batches: Iterable[Transactions], path: str | os.PathLike[str]) -> int:
    """Write tables one after the other; returns the number of rows. The map `generated` reads them back.

    The file appears whole or not at all: it is written beside its place under another name, then renamed.

    Raises:
        BadFile: the name does not end with .parquet, .csv or .csv.gz; no such folder, no space.
    """
    path = Path(path)
    suffix = suffix_of(path)
    rows = 0
    try:
        with appearing_whole(path) as file, open_writer(file, suffix) as write:
            for batch in batches:
                write(batch)
                rows += len(batch)
    except OSError as error:
        why = error.strerror or str(error)
        next_step = "make room, or give a path in a folder that can be written"
        raise BadFile(f"{path} cannot be written", why=why, next_step=next_step) from None
    return rows


@dataclass(slots=True)
class Reader:
    """Turns the batches of one file into tables, and remembers what holds for the whole file."""

    path: Path
    column_map: ColumnMap
    start: date
    end: date
    currency: str | None = None
    shared: dict[str, str] = field(default_factory=dict)  # one string per customer and terminal
    seen_ms: list[int] = field(default_factory=list)  # the earliest and the latest time of each batch

    def table(self, batch: Any, first_row: int) -> Transactions:
        """The rows of a pyarrow.RecordBatch that lie in the range."""
        rows = np.arange(first_row, first_row + len(batch))
        event_time_ms = cells.times_ms(self.column(batch, "event_time", rows), self.column_map.time.zone)
        if len(rows):
            self.seen_ms += [int(event_time_ms.min()), int(event_time_ms.max())]
        inside = (event_time_ms >= midnight_ms(self.start)) & (event_time_ms < midnight_ms(self.end) + DAY_MS)
        batch, rows = cells.filtered(batch, inside), rows[inside]
        parts = {name: self.column(batch, name, rows) for name in self.column_map.columns.named()}
        if "currency" in parts:
            self.currency = cells.only_currency(parts["currency"], self.currency)
        return Transactions(
            transaction_id=cells.ids(parts["transaction_id"]),
            customer_id=cells.ids(parts["customer_id"], self.shared),
            terminal_id=self.terminal_ids(parts.get("terminal_id"), len(rows)),
            amount_minor=cells.amounts_minor(parts["amount"], self.column_map.amount),
            event_time_ms=event_time_ms[inside],
            label=cells.labels(parts["label"]) if "label" in parts else None,
            scenario=cells.scenarios(parts["scenario"]) if "scenario" in parts else None,
            currency=self.currency or self.column_map.constants.currency or "",
        )

    def column(self, batch: Any, name: str, rows: Ints) -> cells.Column:
        theirs = self.column_map.columns.named()[name]
        return cells.Column(self.path, theirs, cells.decoded(batch.column(theirs)), rows)

    def terminal_ids(self, column: cells.Column | None, length: int) -> Ids:
        if column is not None:
            return cells.ids(column, self.shared)
        return np.full(length, self.column_map.constants.terminal_id, object)

    def nothing_found(self) -> BadFile:
        if not self.seen_ms:
            return BadFile(f"{self.path} has no transactions", next_step="give a file that has some")
        first, last = day_of(min(self.seen_ms)), day_of(max(self.seen_ms))
        what = f"{self.path} has no transactions from {self.start} to {self.end}"
        return BadFile(what, why=f"it has those of {first} to {last}", next_step="choose days of that range")
