"""Tables of transactions -> Parquet or CSV, a table at a time."""

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from load.columns import Transactions

SCHEMA = pa.schema(
    {
        "transaction_id": pa.string(),
        "customer_id": pa.string(),
        "terminal_id": pa.string(),
        "amount_minor": pa.int64(),
        "currency": pa.string(),
        "event_time": pa.timestamp("ms", "UTC"),
        "label": pa.int8(),
        "scenario": pa.int8(),
    }
)


@contextmanager
def appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all of it is on disk; whatever goes wrong before leaves nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    file = unfinished.open("wb")
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def open_writer(file: BinaryIO, suffix: str) -> Iterator[Callable[[Transactions], None]]:
    """A function that appends a table to the file, in the format of `.parquet`, `.csv` or `.csv.gz`.

    Columns that a table lacks (label, scenario) are left empty.
    """
    with sink_of(file, suffix) as sink, kind_of(suffix)(sink, SCHEMA) as writer:
        yield lambda table: writer.write_table(arrow_table(table))


def kind_of(suffix: str) -> Any:
    return pq.ParquetWriter if suffix == ".parquet" else pacsv.CSVWriter


@contextmanager
def sink_of(file: BinaryIO, suffix: str) -> Iterator[BinaryIO]:
    """Where a writer of that format writes: the file, or what packs it."""
    if suffix != ".csv.gz":
        yield file
        return
    # Neither a name nor a time in the gzip header: the same table makes the same bytes.
    with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
        yield cast(BinaryIO, packed)


def arrow_table(table: Transactions) -> Any:
    """The same columns as a pyarrow.Table."""
    columns = {name: getattr(table, name) for name in table.column_names() if name != "event_time_ms"}
    columns["event_time"] = pa.array(table.event_time_ms).cast(SCHEMA.field("event_time").type)
    columns["currency"] = pa.repeat(table.currency, len(table))
    for name in SCHEMA.names:
        columns.setdefault(name, pa.nulls(len(table), SCHEMA.field(name).type))
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
