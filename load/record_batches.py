"""Parquet and CSV files as batches of the columns that are asked for, without loading the file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from load.suggestion import did_you_mean
from models.errors import BadFile

BATCH_ROWS = 65_536
SUFFIXES = (".parquet", ".csv", ".csv.gz")

# CSV has no types: without these they would be guessed from the first block, and ids lose leading zeros.
CSV_TYPES = {
    "amount": pa.float64(),
    "label": pa.bool_(),
    "scenario": pa.int8(),
}


def suffix_of(path: Path) -> str:
    """Which of the suffixes a file has.

    Raises:
        BadFile: it has none of them.
    """
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    raise BadFile(
        f"{path} is of an unknown kind", next_step=f"name a file that ends with {', '.join(SUFFIXES)}"
    )


def record_batches(path: Path, columns: Mapping[str, str]) -> Iterator[Any]:
    """The file's pyarrow.RecordBatches in file order, with only these columns.

    Args:
        columns: our field -> the file's column.

    Raises:
        BadFile: the file is missing, unreadable, cut short, or lacks a column.
    """
    suffix = suffix_of(path)
    read = parquet_batches if suffix == ".parquet" else csv_batches
    try:
        yield from read(path, columns)
    except FileNotFoundError:
        raise BadFile(f"there is no file {path}", next_step="give the path of an existing file") from None
    except (pa.ArrowException, UnicodeDecodeError) as error:
        why = str(error).splitlines()[0]
        raise BadFile(
            f"{path} is not a {suffix} file that can be read", why=why, next_step="correct it"
        ) from None
    except OSError as error:
        why = error.strerror or str(error).splitlines()[0]
        raise BadFile(f"{path} cannot be read", why=why, next_step="give a whole, readable file") from None


def parquet_batches(path: Path, columns: Mapping[str, str]) -> Iterator[Any]:
    with pq.ParquetFile(path) as file:
        check_columns(path, file.schema_arrow.names, columns)
        yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns.values()), use_threads=False)


def csv_batches(path: Path, columns: Mapping[str, str]) -> Iterator[Any]:
    parse = pacsv.ParseOptions(newlines_in_values=True)  # in columns that are not needed
    with pacsv.open_csv(path, parse_options=parse) as file:
        check_columns(path, file.schema.names, columns)
    convert = pacsv.ConvertOptions(
        include_columns=list(columns.values()),
        column_types={name: CSV_TYPES.get(field, pa.string()) for field, name in columns.items()},
    )
    # One thread: then an error names its row.
    one_thread = pacsv.ReadOptions(use_threads=False)
    with pacsv.open_csv(path, read_options=one_thread, parse_options=parse, convert_options=convert) as file:
        yield from file


def check_columns(path: Path, names: list[str], columns: Mapping[str, str]) -> None:
    """
    Raises:
        BadFile: a column is not among the file's names, or is there twice.
    """
    for field, name in columns.items():
        if names.count(name) != 1:
            what = f"{path} has {'two columns' if name in names else 'no column'} {name} ({field})"
            raise BadFile(what, next_step=f"correct [columns] of the column map; {did_you_mean(name, names)}")
