"""A month as a Parquet file: every column of its decisions, and the hash of each transaction's body."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from deploy.archive.errors import BadArchive
from models.archived import hash_of
from models.transaction import comparable
from streams.codecs import encode

LEVEL = 3  # of zstd: more costs three times the time for a twentieth of the room
TEXT = pa.string()
OFTEN_THE_SAME = pa.dictionary(pa.int32(), TEXT)
SCHEMA = pa.schema(
    {
        "transaction_id": TEXT,
        "customer_id": TEXT,
        "terminal_id": TEXT,
        "amount_minor": pa.int64(),
        "currency": OFTEN_THE_SAME,
        "event_time": pa.timestamp("ms", "UTC"),
        "decided_at": pa.timestamp("us", "UTC"),
        "decision": OFTEN_THE_SAME,
        "score": pa.float64(),
        "late": pa.bool_(),
        "path": OFTEN_THE_SAME,
        "degraded_reason": OFTEN_THE_SAME,
        "attributes": TEXT,
        "reasons": TEXT,
        "variant": OFTEN_THE_SAME,
        "model_name": OFTEN_THE_SAME,
        "model_version": OFTEN_THE_SAME,
        "policy_version": OFTEN_THE_SAME,
        "ab_version": OFTEN_THE_SAME,
        "feature_names": OFTEN_THE_SAME,
        "features": pa.list_(pa.float32()),
        "topic": OFTEN_THE_SAME,
        "topic_id": OFTEN_THE_SAME,
        "partition": pa.int32(),
        "offset": pa.int64(),
        "body_hash": pa.binary(16),
    }
)
SENT = SCHEMA.names[:-1]


class Written(NamedTuple):
    rows: int
    newest_event: datetime | None


def write(path: Path, chunks: Iterable[Sequence[Sequence[Any]]], count: Callable[[int], None]) -> Written:
    """All chunks of `PostgresArchiving.rows` into one file, a row group each.

    count: called with how many rows were written.
    """
    rows, newest = 0, None
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", compression_level=LEVEL) as writer:
        for chunk in chunks:
            table = _table(chunk)
            writer.write_table(table)
            rows += len(table)
            latest = pa.compute.max(table["event_time"]).as_py()
            newest = latest if newest is None else max(newest, latest)
            count(len(table))
    return Written(rows, newest)


def _table(chunk: Sequence[Sequence[Any]]) -> Any:
    columns: dict[str, Any] = dict(zip(SENT, map(list, zip(*chunk, strict=True)), strict=True))
    columns["body_hash"] = _hashes(columns)
    columns["attributes"] = [each and encode(each).decode() for each in columns["attributes"]]
    columns["feature_names"] = _joined(columns["feature_names"])
    columns["features"] = _features(columns["features"])
    return pa.table([_column(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names], SCHEMA)


def _hashes(columns: Mapping[str, Sequence[Any]]) -> list[bytes]:
    names = ("customer_id", "terminal_id", "amount_minor", "event_time")
    bodies = zip(*(columns[name] for name in names), map(comparable, columns["attributes"]), strict=True)
    return [hash_of(body).bytes for body in bodies]


def _joined(names: Sequence[list[str]]) -> list[str]:
    """Feature names hold no comma; nearly always all rows have the same."""
    known: dict[tuple[str, ...], str] = {}
    return [known.setdefault(tuple(each), ",".join(each)) for each in names]


def _features(rows: Sequence[bytes]) -> Any:
    ends = np.cumsum([0, *(len(row) // 4 for row in rows)], dtype=np.int32)
    values = np.frombuffer(b"".join(rows), "<f4")
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(values, pa.float32()))


def _column(values: Any, kind: Any) -> Any:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)


@contextmanager
def opened(path: Path, where: str) -> Iterator[Any]:
    """A file of ours.

    Raises:
        BadArchive: it is none.
    """
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            if file.schema_arrow.names != SCHEMA.names:
                raise BadArchive(f"{where} is no file of an archive", why="it has other columns")
            yield file
    except (pa.ArrowException, OSError) as error:
        raise BadArchive(f"{where} cannot be read", why=str(error).split("\n")[0]) from None


def ids_of(file: Any, at_once: int) -> Iterator[tuple[list[str], list[UUID]]]:
    """Ids and hashes of bodies, so many at a time, in the order of the ids: two who move them never wait in a
    circle with those who insert."""
    for batch in file.iter_batches(at_once, columns=["transaction_id", "body_hash"]):
        hashes = [UUID(bytes=each) for each in batch["body_hash"].to_pylist()]
        pairs = sorted(zip(batch["transaction_id"].to_pylist(), hashes, strict=True))
        yield [name for name, _ in pairs], [each for _, each in pairs]
