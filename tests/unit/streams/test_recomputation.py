"""Histories that mean the same are told from those that do not."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.compaction import compacted
from models.history import EVENT, MARK, RECORD, Retention, pack
from streams import recomputation
from streams.recomputation import Bundle, canonical, joined, unlike

histories = st.lists(st.tuples(st.integers(0, 60 * 86_400), st.integers(0, 10**12)), max_size=12)


def packed(kind: int, *times_and_payloads: tuple[int, int]) -> bytes:
    columns = np.array(times_and_payloads, np.int64).reshape(-1, 2)
    return pack(columns[:, 0], columns[:, 1], kind).tobytes()


@given(st.permutations([(0, 5), (0, 5), (1, 2), (90_000, 7), (90_001, 1)]), st.sampled_from([2, 4096]))
def test_the_order_of_the_records_does_not_matter(order: list[tuple[int, int]], exact_events: int) -> None:
    retention = Retention(exact_events=exact_events)
    in_order = canonical(packed(EVENT, *sorted(order)), "customer", retention)
    assert canonical(packed(EVENT, *order), "customer", retention) == in_order


@given(histories)
def test_a_history_that_was_compacted_before_means_the_same(records: list[tuple[int, int]]) -> None:
    retention = Retention(exact_events=3)
    raw = packed(EVENT, *records)
    smaller = compacted(raw, "customer", retention)
    assert canonical(smaller, "customer", retention) == canonical(raw, "customer", retention)


def test_another_amount_another_time_or_another_kind_is_another_history() -> None:
    different = [
        packed(EVENT, (100, 5)),
        packed(EVENT, (100, 6)),
        packed(EVENT, (101, 5)),
        packed(MARK, (100, 5)),
        packed(EVENT, (100, 5), (100, 5)),
        b"",
    ]
    found = {canonical(raw, "terminal", Retention()) for raw in different}
    assert len(found) == len(different)


@given(st.lists(histories, max_size=6), st.sampled_from([1, 3, 100]))
def test_a_history_in_pieces_means_the_same_as_the_whole(
    pieces: list[list[tuple[int, int]]], most_records: int
) -> None:
    retention = Retention(exact_events=3)
    raws = [packed(EVENT, *piece) for piece in pieces]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recomputation, "MOST_RECORDS", most_records)
        whole = joined(raws, "customer", retention)
    assert canonical(whole, "customer", retention) == canonical(b"".join(raws), "customer", retention)


def test_a_history_in_pieces_is_never_held_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputation, "MOST_RECORDS", 20)
    piece = packed(EVENT, *((second, 5) for second in range(10)))
    assert len(joined([piece] * 50, "customer", Retention(exact_events=3))) < 40 * RECORD.itemsize


def bundle(histories: Sequence[Sequence[tuple[int, int]]]) -> Bundle:
    return Bundle.of([packed(EVENT, *each) if each else None for each in histories]).in_order()


small = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=3)


@given(st.lists(st.tuples(small, small), max_size=6))
def test_histories_are_unlike_where_their_records_are(
    pairs: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    seen, expected = [one for one, _ in pairs], [other for _, other in pairs]
    different = [code for code, (one, other) in enumerate(pairs) if Counter(one) != Counter(other)]
    assert unlike(bundle(seen), bundle(expected)) == different
