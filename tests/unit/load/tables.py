"""Small tables of transactions, drawn or made by hand, and where the evaluation tables are."""

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from load.columns import DAY_MS, Transactions

CHECKOUT = Path(__file__).resolve().parents[3]
EVAL_DATA = Path(os.environ.get("FRAUDML_EVAL_DATA", CHECKOUT / "../shared/data"))
START_MS = 1_522_540_800_000  # 2018-04-01

# What str.isprintable accepts: everything but control characters, and of separators only the space.
printable = st.characters(exclude_categories=["C", "Z"], include_characters=" ")
identifiers = st.text(printable, min_size=1, max_size=64)
amounts = st.integers(0, 10**12)
moments = st.integers(START_MS - 20 * DAY_MS, START_MS + 20 * DAY_MS)
COLUMNS = [field.name for field in fields(Transactions) if field.name != "currency"]


def table_of(**columns: Any) -> Transactions:
    """Three transactions of two days, with some columns replaced."""
    values: dict[str, Any] = {
        "transaction_id": ["a", "b", "c"],
        "customer_id": ["anna", "bert", "anna"],
        "terminal_id": ["shop", "shop", "bar"],
        "amount_minor": [100, 0, 10**12],
        "event_time_ms": [START_MS + 31_000, START_MS + DAY_MS - 1, START_MS + DAY_MS],
        "label": [0, 1, 0],
        "scenario": [0, 3, 0],
        **columns,
    }
    kinds = {"amount_minor": np.int64, "event_time_ms": np.int64, "label": np.int8, "scenario": np.int8}
    arrays: dict[str, Any] = {
        name: value if value is None or name == "currency" else np.array(value, kinds.get(name, object))
        for name, value in values.items()
    }
    return Transactions(**arrays)


@st.composite
def tables(draw: st.DrawFn, *, most: int = 12) -> Transactions:
    """Any table: times within 40 days and in no order, ids that any producer may choose."""
    few = st.sampled_from(draw(st.lists(identifiers, min_size=1, max_size=4)))
    row = st.tuples(few, few, few, amounts, moments, st.sampled_from([0, 1]), st.integers(0, 3))
    rows = draw(st.lists(row, max_size=most))
    columns = zip(COLUMNS, zip(*rows, strict=True), strict=True) if rows else ((name, []) for name in COLUMNS)
    return table_of(**dict(columns), currency=draw(st.sampled_from(["EUR", "USD"])))


def rows_of(table: Transactions) -> list[tuple[Any, ...]]:
    """The rows, to compare tables by."""
    columns = [getattr(table, name).tolist() for name in table.column_names()]
    return list(zip(*columns, strict=True))


def assert_same(left: Transactions, right: Transactions) -> None:
    assert (left.currency, left.column_names()) == (right.currency, right.column_names())
    assert rows_of(left) == rows_of(right)


def evaluation_table(name: str) -> Path:
    """The path of an evaluation table; skips the test where there are none."""
    path = EVAL_DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in {EVAL_DATA}: set FRAUDML_EVAL_DATA to the folder that has it")
    return path
