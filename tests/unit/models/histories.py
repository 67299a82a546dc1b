"""Histories as bytes, drawn or made by hand."""

import numpy as np
from hypothesis import strategies as st

from models.features import Entity
from models.history import EVENT, MARK, RECORD, TIME_MASK, Ints, Retention, Timeline, pack
from tests.strategies import times_s

payloads = st.integers(0, 10**12)
events = st.tuples(times_s(), payloads, st.just(EVENT))
marks = st.tuples(times_s(), st.sampled_from([-1, 1]), st.just(MARK))
visits = st.tuples(times_s(), st.just(0), st.just(EVENT))
histories = st.one_of(st.lists(events | marks, max_size=30), st.lists(visits | marks, max_size=30))
retentions = st.builds(Retention, exact_events=st.integers(1, 12))
entities: st.SearchStrategy[Entity] = st.sampled_from(["customer", "terminal"])


def history(records: list[tuple[int, int, int]]) -> bytes:
    time_s, payload, kind = np.array(records, np.int64).reshape(-1, 3).T
    return pack(time_s, payload, kind).tobytes()


def seen(raw: bytes) -> bytes:
    """The same for histories that differ in the order of their records alone."""
    return np.sort(np.frombuffer(raw, RECORD), order=["time_s", "value"]).tobytes()


def records_of(timeline: Timeline, code: int) -> tuple[Ints, Ints, Ints]:
    """One history's times, counts and sums, oldest first."""
    first, last = int(timeline.starts[code]), int(timeline.starts[code + 1])
    return (
        timeline.key[first:last] & TIME_MASK,
        np.diff(timeline.counts[first : last + 1]),
        np.diff(timeline.totals[first : last + 1]),
    )
