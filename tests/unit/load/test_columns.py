"""A table of transactions: its length, its rows, its days."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from load.columns import DAY_MS, Transactions, codes_of, concatenated, day_of, midnight_ms
from tests.unit.load.tables import assert_same, rows_of, table_of, tables


def test_a_table_is_as_long_as_its_columns() -> None:
    assert len(table_of()) == 3


def test_columns_of_different_length_are_no_table() -> None:
    with pytest.raises(ValueError, match="'amount_minor': 2"):
        table_of(amount_minor=[1, 2])


def test_rows_are_taken_by_slice_by_mask_and_by_index() -> None:
    table = table_of()
    assert table[1:].transaction_id.tolist() == ["b", "c"]
    assert table[table.amount_minor > 0].transaction_id.tolist() == ["a", "c"]
    assert table[np.array([2, 0])].transaction_id.tolist() == ["c", "a"]


def test_a_table_without_labels_stays_without_them() -> None:
    table = concatenated([table_of(label=None), table_of(label=None)[:1]])
    assert table.label is None
    assert len(table) == 4


def test_tables_with_and_without_labels_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="differ in columns"):
        concatenated([table_of(), table_of(label=None)])


def test_no_tables_do_not_make_one() -> None:
    with pytest.raises(ValueError, match="nothing"):
        concatenated([])


def test_a_day_ends_before_midnight() -> None:
    days = [(day, part.transaction_id.tolist()) for day, part in table_of().days()]
    assert days == [(date(2018, 4, 1), ["a", "b"]), (date(2018, 4, 2), ["c"])]


@given(tables())
def test_the_days_hold_every_row_once_in_order_each_inside_its_day(table: Transactions) -> None:
    days = list(table.days())
    assert [day for day, _ in days] == sorted({day_of(moment) for moment in table.event_time_ms.tolist()})
    for day, part in days:
        first = midnight_ms(day)
        inside = (table.event_time_ms >= first) & (table.event_time_ms < first + DAY_MS)
        assert_same(part, table[inside])


@given(tables(), st.data())
def test_a_table_cut_and_joined_is_the_table(table: Transactions, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(table)))
    assert_same(concatenated([table[:cut], table[cut:]]), table)
    assert rows_of(table[:cut]) == rows_of(table)[:cut]


@given(st.lists(st.sampled_from("abcde")))
def test_codes_number_ids_by_first_appearance(ids: list[str]) -> None:
    order = list(dict.fromkeys(ids))
    assert codes_of(ids).tolist() == [order.index(key) for key in ids]
