"""Histories as bytes: what a record is, and what a timeline of many histories answers."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from models.features import DAY_S, HOUR_S
from models.history import COUNT, EVENT, MARK, NO_RECORDS, Records, Timeline, hour_of, unpack
from tests.strategies import START_S, times_s
from tests.unit.models.histories import histories, history, records_of

# A record.


@pytest.mark.parametrize(
    ("kind", "payload", "value"),
    [(EVENT, 1999, 1999 << 2), (MARK, 1, 1 << 2 | 1), (MARK, -1, -4 | 1), (COUNT, 7, 7 << 2 | 2)],
)
def test_a_record_is_twelve_bytes_little_endian(kind: int, payload: int, value: int) -> None:
    assert history([(START_S, payload, kind)]) == struct.pack("<Iq", START_S, value)


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**61), 2**61 - 1), st.just(MARK))))
def test_times_and_sums_come_back_as_they_went(records: list[tuple[int, int, int]]) -> None:
    found = unpack([history(records)])
    assert list(zip(found.time_s.tolist(), found.total.tolist(), strict=True)) == [r[:2] for r in records]


def test_a_record_counts_by_its_kind() -> None:
    found = unpack([history([(1, 500, EVENT), (1, -1, MARK), (1, 7, COUNT)])])
    assert found.count.tolist() == [1, 0, 7]
    assert found.total.tolist() == [500, -1, 0]


@given(st.lists(st.none() | histories, max_size=5))
def test_histories_are_unpacked_by_their_place(each: list[list[tuple[int, int, int]] | None]) -> None:
    together = unpack([None if records is None else history(records) for records in each])
    assert together.code.tolist() == [code for code, records in enumerate(each) for _ in records or []]
    for code, records in enumerate(each):
        alone, mine = unpack([history(records or [])]), together.where(together.code == code)
        assert_array_equal(mine.time_s, alone.time_s)
        assert_array_equal(mine.count, alone.count)
        assert_array_equal(mine.total, alone.total)


# A timeline.


@given(st.lists(histories, min_size=1, max_size=4), times_s(), st.integers(-1, 2 * HOUR_S))
def test_a_window_holds_what_lies_in_it_and_nothing_of_other_histories(
    each: list[list[tuple[int, int, int]]], start_s: int, length_s: int
) -> None:
    timeline = Timeline.of(unpack([history(records) for records in each]), len(each))
    code, start = np.arange(len(each)), np.full(len(each), start_s)
    count, total = timeline.between(timeline.after(code, start), timeline.after(code, start + length_s))
    for number, records in enumerate(each):
        inside = [r for r in records if start_s < r[0] <= start_s + length_s]
        assert count[number] == sum(kind == EVENT for _, _, kind in inside)
        assert total[number] == sum(payload for _, payload, _ in inside)


@given(st.lists(histories, min_size=1, max_size=4))
def test_a_timeline_knows_each_historys_size_newest_hour_and_records(
    each: list[list[tuple[int, int, int]]],
) -> None:
    timeline = Timeline.of(unpack([history(records) for records in each]), len(each))
    assert timeline.size == len(each)
    assert timeline.events().tolist() == [sum(kind == EVENT for _, _, kind in r) for r in each]
    newest = [max((t for t, _, _ in r), default=-1) for r in each]
    assert timeline.newest_hour().tolist() == [t - t % HOUR_S if t >= 0 else -1 for t in newest]
    for code, records in enumerate(each):
        in_order = sorted(records, key=lambda record: record[0])
        assert records_of(timeline, code)[0].tolist() == [t for t, _, _ in in_order]
        assert records_of(timeline, code)[2].tolist() == [payload for _, payload, _ in in_order]


def test_equal_seconds_keep_the_order_of_appending() -> None:
    raw = history([(START_S + 1, 3, EVENT), (START_S, 1, EVENT), (START_S, 2, EVENT)])
    assert records_of(Timeline.of(unpack([raw]), 1), 0)[2].tolist() == [1, 2, 3]


def test_before_time_began_there_is_nothing() -> None:
    last_s = 2**32 - 1
    timeline = Timeline.of(Records(np.array([0, 1]), np.array([last_s, 0]), *(np.zeros(2, np.int64),) * 2), 2)
    assert timeline.after(np.array([1, 1]), np.array([-50 * DAY_S, 0])).tolist() == [1, 2]


def test_no_records_make_an_empty_timeline() -> None:
    timeline = Timeline.of(NO_RECORDS, 3)
    assert timeline.events().tolist() == [0, 0, 0]
    assert timeline.newest_hour().tolist() == [-1, -1, -1]


def test_an_hour_begins_on_the_hour() -> None:
    assert hour_of(np.array([0, HOUR_S - 1, HOUR_S, START_S + 1])).tolist() == [0, 0, HOUR_S, START_S]
