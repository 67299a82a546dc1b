"""Columns to Postgres arrays and back, a whole numpy array at once: one by one costs more than the insert."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import PyFormat
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format

# Element oid, array oid and big-endian type, by what numpy calls them.
_ELEMENTS = {
    "int16": (21, 1005, ">i2"),
    "int32": (23, 1007, ">i4"),
    "int64": (20, 1016, ">i8"),
    "float64": (701, 1022, ">f8"),
    "bool": (16, 1000, "?"),
}
_BYTEA, _BYTEA_ARRAY = 17, 1001
_INT8_ARRAY = 1016
_HEAD_BYTES = 20
_INT8_ELEMENT = np.dtype([("size", ">i4"), ("value", ">i8")])
_TIMESTAMPTZ, _TIMESTAMPTZ_ARRAY = 1184, 1185
_TEXT_ARRAY = 1009
_POSTGRES_EPOCH_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class PgArray:
    """An array as Postgres reads it, ready to be sent."""

    oid: int
    data: bytes


@dataclass(frozen=True, slots=True)
class TextArray:
    """An array of texts, in Postgres' own notation."""

    data: bytes


def column(values: NDArray[Any]) -> PgArray:
    """Numbers or flags; the Postgres type follows from numpy's."""
    element, array, big_endian = _ELEMENTS[values.dtype.name]
    return PgArray(array, _binary(element, np.ascontiguousarray(values, big_endian)))


def timestamps(epoch_ms: NDArray[np.int64]) -> PgArray:
    """Milliseconds since 1970 to timestamptz."""
    return PgArray(_TIMESTAMPTZ_ARRAY, _binary(_TIMESTAMPTZ, postgres_us(epoch_ms).astype(">i8")))


def postgres_us(epoch_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Milliseconds since 1970 to Postgres' microseconds since 2000."""
    return (epoch_ms - _POSTGRES_EPOCH_MS) * 1000


def row_bytes(matrix: NDArray[Any]) -> PgArray:
    """Each row of a matrix as one bytea, in the machine's little-endian order."""
    flat = np.ascontiguousarray(matrix, matrix.dtype.newbyteorder("<"))
    rows = flat.view(np.dtype((np.void, flat.shape[1] * flat.itemsize))).reshape(len(flat))
    return PgArray(_BYTEA_ARRAY, _binary(_BYTEA, rows))


def texts(values: Sequence[str]) -> TextArray:
    """Texts without NUL."""
    inner = '","'.join(values)
    if "\\" in inner or inner.count('"') != max(2 * len(values) - 2, 0):
        inner = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return TextArray(f'{{"{inner}"}}'.encode() if values else b"{}")


def optional_texts(values: Sequence[str | None]) -> TextArray:
    """As `texts`; None is NULL."""
    if any(value is not None for value in values):
        quoted = ["NULL" if value is None else texts([value]).data[1:-1].decode() for value in values]
        return TextArray(f"{{{','.join(quoted)}}}".encode())
    return TextArray(b"{" + b",".join([b"NULL"] * len(values)) + b"}")


def _binary(element: int, values: NDArray[Any]) -> bytes:
    if not len(values):
        return np.array([0, 0, element], ">i4").tobytes()
    head = np.array([1, 0, element, len(values), 1], ">i4")
    body = np.empty(len(values), [("size", ">i4"), ("value", values.dtype)])
    body["size"] = values.itemsize
    body["value"] = values
    return head.tobytes() + body.tobytes()


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: PgArray, format: PyFormat) -> Any:
        return (self.cls, obj.oid)

    def upgrade(self, obj: PgArray, format: PyFormat) -> Dumper:
        dumper = _ArrayDumper(self.cls)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: PgArray) -> bytes:
        return obj.data


class _TextArrayDumper(Dumper):
    oid = _TEXT_ARRAY

    def dump(self, obj: TextArray) -> bytes:
        return obj.data


class _Int8ArrayLoader(Loader):
    """Whole numbers, none of them NULL, as numpy has them."""

    format = Format.BINARY

    def load(self, data: Buffer) -> NDArray[np.int64]:
        elements = np.frombuffer(bytes(data)[_HEAD_BYTES:], _INT8_ELEMENT)
        return elements["value"].astype(np.int64)


def register(connection: psycopg.Connection[Any]) -> None:
    """Teach a connection to send these arrays, and to receive whole numbers as one."""
    connection.adapters.register_dumper(PgArray, _ArrayDumper)
    connection.adapters.register_dumper(TextArray, _TextArrayDumper)
    connection.adapters.register_loader(_INT8_ARRAY, _Int8ArrayLoader)
