"""Columns to Postgres arrays: whatever is sent reads back as it was, by the client library's own readers."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from psycopg.adapt import PyFormat, Transformer
from psycopg.postgres import types
from psycopg.pq import Format

from streams.ledger.arrays import (
    PgArray,
    TextArray,
    column,
    optional_texts,
    register,
    row_bytes,
    texts,
    timestamps,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES = {"int16": "int2", "int32": "int4", "int64": "int8", "float64": "float8", "bool": "bool"}
# What the notation of Postgres gives a meaning to, among letters.
odd_letters = st.sampled_from(['"', "\\", ",", "{", "}", " ", "\n", "'", "NULL", "null", '","', "é", "💳"])
words = st.lists(odd_letters | st.characters(exclude_categories=["Cs"], exclude_characters="\0")).map("".join)


def read(array: PgArray | TextArray) -> Any:
    """As Postgres' own client reads it."""
    if isinstance(array, TextArray):
        return Transformer().get_loader(types["text"].array_oid, Format.TEXT).load(array.data)
    return Transformer().get_loader(array.oid, Format.BINARY).load(array.data)


@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
def test_numbers_and_flags_read_back_as_they_were(dtype: str, data: st.DataObject) -> None:
    values: Any = data.draw(hnp.arrays(dtype, st.integers(0, 8)))
    sent = column(values)
    assert sent.oid == types[TYPES[dtype]].array_oid
    assert np.array_equal(np.array(read(sent), dtype), values, equal_nan=dtype == "float64")


def test_a_column_of_another_array_need_not_lie_together() -> None:
    values = np.arange(12, dtype=np.int64)
    assert read(column(values[::-3])) == [11, 8, 5, 2]


def test_a_type_that_postgres_has_no_column_for_is_an_error_here() -> None:
    with pytest.raises(KeyError):
        column(np.zeros(1, np.uint64))


@given(st.lists(st.integers(0, 253_402_300_799_999)))
def test_times_are_kept_to_the_millisecond(epoch_ms: list[int]) -> None:
    sent = timestamps(np.array(epoch_ms, np.int64))
    assert sent.oid == types["timestamptz"].array_oid
    assert read(sent) == [EPOCH + timedelta(milliseconds=each) for each in epoch_ms]


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 4))))
def test_each_row_of_a_matrix_is_its_bytes_in_little_endian(matrix: Any) -> None:
    sent = row_bytes(matrix)
    assert sent.oid == types["bytea"].array_oid
    found = [np.frombuffer(raw, "<f4") for raw in read(sent)]
    assert len(found) == len(matrix)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, matrix, strict=True))


@given(st.lists(words))
def test_texts_read_back_as_they_were(values: list[str]) -> None:
    assert read(texts(values)) == values


@given(st.lists(st.none() | words.filter(bool)))
def test_none_among_texts_is_null(values: list[str | None]) -> None:
    assert read(optional_texts(values)) == values


@pytest.mark.parametrize("values", [[""], ["", None], ["", "a"]])
def test_an_empty_text_is_not_null(values: list[str | None]) -> None:
    assert read(optional_texts(values)) == values


def test_nothing_is_an_empty_array() -> None:
    assert (read(texts([])), read(optional_texts([])), read(column(np.zeros(0, np.int32)))) == ([], [], [])


def test_each_kind_of_array_is_sent_under_its_own_type() -> None:
    """Two columns of one class and different types, in one statement."""
    context = psycopg.adapters.__class__(psycopg.adapters)

    connection: Any = SimpleNamespace(adapters=context, connection=None)
    register(connection)
    sent: list[PgArray | TextArray] = [
        column(np.zeros(1, np.int32)),
        column(np.zeros(1, np.bool_)),
        texts(["a"]),
    ]
    transformer = Transformer(connection)
    data = transformer.dump_sequence(sent, [PyFormat.AUTO] * 3)
    assert list(transformer.types or ()) == [types[name].array_oid for name in ("int4", "bool", "text")]
    assert list(transformer.formats or ()) == [Format.BINARY, Format.BINARY, Format.TEXT]
    assert [bytes(each or b"") for each in data] == [each.data for each in sent]
