"""Feature values in files: one row per transaction, one column per feature."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from load.columns import Transactions
from load.past import past_of
from load.record_batches import suffix_of
from load.table_writer import appearing_whole, kind_of, sink_of
from models.errors import BadFile
from models.features import FEATURE_NAMES
from models.history import Retention
from models.training_set import past_features


def write_features(table: Transactions, path: Path) -> None:
    """Compute the features of a table in event-time order and write them beside the transaction ids.

    Raises:
        BadFile: the name has none of the known endings, or the file cannot be written.
    """
    write_columns(path, _feature_tables(table))


def _feature_tables(table: Transactions) -> Iterable[Any]:
    written = 0
    for features in past_features(past_of(table), Retention()):
        ids = table.transaction_id[written : written + len(features)]
        yield feature_table(ids.tolist(), features, FEATURE_NAMES)
        written += len(features)


def feature_table(ids: Sequence[str], features: Any, names: Sequence[str]) -> Any:
    """A pyarrow table of transaction_id and float64 feature columns."""
    columns = {"transaction_id": pa.array(ids, pa.string())}
    for index, name in enumerate(names):
        columns[name] = pa.array(np.ascontiguousarray(features[:, index], np.float64))
    return pa.table(columns)


def write_columns(path: Path, tables: Iterable[Any]) -> int:
    """Write pyarrow tables of one schema, one after the other; the file appears whole or not at all.

    Returns the number of rows; a file without rows is not written.

    Raises:
        BadFile: as `write_features`, or there is nothing to write.
    """
    suffix = suffix_of(path)
    waiting = iter(tables)
    first = next(waiting, None)
    if first is None:
        raise BadFile(f"there is nothing to write to {path}")
    rows = 0
    try:
        with (
            appearing_whole(path) as file,
            sink_of(file, suffix) as sink,
            kind_of(suffix)(sink, first.schema) as writer,
        ):
            for table in chain([first], waiting):
                writer.write_table(table)
                rows += table.num_rows
    except OSError as error:
        why = error.strerror or str(error)
        raise BadFile(
            f"{path} cannot be written", why=why, next_step="make room, or choose another folder"
        ) from None
    return rows
