"""The fold in any order equals the plain one: late ones, tiles, marks and equal seconds included."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from models.any_order import Arrivals, tiles_ends, windows_in_any_order
from models.compaction import compacted
from models.features import DAY_S, ENTITIES, FEATURES, HOUR_S, Entity, spans_of
from models.fold import Entries, added_to_sums, fold
from models.history import COUNT, EVENT, MARK, Ints, Retention, Timeline, pack, tiles_end, unpack
from tests.strategies import CUSTOMERS, START_S, TERMINALS, Arrival, arrivals, entries_of
from tests.unit.models.histories import history, records_of, retentions
from tests.unit.models.plain_fold import features_one_by_one, windows_one_by_one

# Windows of an hour or so beside the real ones, so that all edges meet whole hours and equal seconds.
SHORT = ((0, HOUR_S), (1800, 5000), (HOUR_S, 3 * HOUR_S + 1))
SPANS = [SHORT, SHORT, spans_of("customer"), spans_of("terminal")]
KEEPS_S = [2 * HOUR_S, DAY_S, 33 * DAY_S]
Record = tuple[int, int, int]


@dataclass(frozen=True)
class Visit:
    """One arrival of one entity."""

    time_s: int
    added: int
    late: bool


@dataclass(frozen=True)
class Case:
    """What one entity has, and who comes. spans: (delay_s, window_s)."""

    records: list[Record]
    visits: list[Visit]
    spans: Sequence[tuple[int, int]]
    keep_s: int


# Whole hours, seconds around and inside them, and far ones where windows and what is kept end.
times = st.sampled_from(
    [START_S + hour * HOUR_S + second for hour in range(4) for second in (0, 0, 1, 1799, 1800, HOUR_S - 1)]
    + [START_S + day * DAY_S + second for day in (1, 7, 8, 30, 33, 37, 40) for second in (0, 1, HOUR_S)]
)
records = st.one_of(
    st.tuples(times, st.integers(0, 99), st.just(EVENT)),
    st.tuples(times, st.sampled_from([-1, 1]), st.just(MARK)),
    st.tuples(times.map(lambda time_s: time_s - time_s % HOUR_S), st.integers(1, 6), st.just(COUNT)),
)
visits = st.lists(st.builds(Visit, times, st.integers(0, 99), st.booleans()), min_size=1, max_size=10)
visits_in_order = visits.map(lambda come: sorted(come, key=lambda visit: visit.time_s))
cases = st.builds(
    Case,
    st.lists(records, max_size=10),
    visits | visits_in_order,
    st.sampled_from(SPANS),
    st.sampled_from(KEEPS_S),
)


def columns_of(visits: Sequence[Visit]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    time_s, added = np.array([(each.time_s, each.added) for each in visits], np.int64).T
    return time_s, added, np.array([each.late for each in visits])


def arrivals_of(worlds: Sequence[Case]) -> Arrivals:
    time_s, added, late = columns_of([each for case in worlds for each in case.visits])
    counts = [len(case.visits) for case in worlds]
    spans = np.repeat([case.spans for case in worlds], counts, axis=0)
    keep_s = np.repeat([case.keep_s for case in worlds], counts)
    code = np.repeat(np.arange(len(worlds)), counts)
    return Arrivals(code, time_s, added, late, keep_s, spans[:, :, 0].T, spans[:, :, 1].T)


@settings(max_examples=500)
@given(st.lists(cases, min_size=1, max_size=2), st.integers(1, 12))
def test_counts_and_sums_are_those_of_the_plain_fold(worlds: list[Case], exact_events: int) -> None:
    timeline = Timeline.of(unpack([history(case.records) for case in worlds]), len(worlds))
    counts, totals = windows_in_any_order(arrivals_of(worlds), timeline, exact_events)
    plain = [
        windows_one_by_one(
            records_of(timeline, code), columns_of(case.visits), case.spans, case.keep_s, exact_events
        )
        for code, case in enumerate(worlds)
    ]
    assert_array_equal(counts, np.concatenate([each[0] for each in plain], axis=1))
    assert_array_equal(totals, np.concatenate([each[1] for each in plain], axis=1))


@settings(max_examples=500)
@given(cases, st.integers(1, 20))
def test_tiles_end_for_each_arrival_where_they_do_for_all_that_it_sees(case: Case, exact_events: int) -> None:
    timeline = Timeline.of(unpack([history(case.records)]), 1)
    known_s, counts, _ = records_of(timeline, 0)
    time_s, _, late = columns_of(case.visits)
    found = tiles_ends((timeline.key, timeline.counts), time_s, late, exact_events)
    for i in range(len(time_s)):
        stay = time_s[:i][~late[:i]]
        seen = np.concatenate([known_s, stay, time_s[i : i + 1]])
        weights = np.concatenate([counts, np.ones(len(stay) + 1, np.int64)])
        assert found[i] == tiles_end(seen, weights, exact_events)


def plainly_folded(
    entries: Entries, stored: list[bytes], late: NDArray[np.bool_], retention: Retention
) -> NDArray[np.float64]:
    """Every window feature by the plain fold, given who is late; nothing else of a row."""
    timeline = Timeline.of(unpack(stored), len(stored))
    found = np.full((len(entries), len(FEATURES)), np.nan)
    for entity, codes, added in zip(
        ENTITIES, entries.codes, added_to_sums(entries.amount_minor), strict=True
    ):
        for code in np.unique(codes):
            rows = np.flatnonzero(codes == code)
            come = entries.time_s[rows], added[rows], late[rows]
            features = features_one_by_one(entity, records_of(timeline, code), come, retention)
            for column, values in features.items():
                found[rows, column] = values
    return found


windows = [column for column, feature in enumerate(FEATURES) if feature.entity]
amounts = st.lists(st.tuples(times, st.integers(0, 10**12), st.just(EVENT)), max_size=12)
marked = st.sampled_from([(0, EVENT), (0, EVENT), (0, EVENT), (1, MARK)])
visits_and_marks = st.lists(st.builds(lambda time_s, rest: (time_s, *rest), times, marked), max_size=15)


@st.composite
def stored_histories(draw: st.DrawFn, retention: Retention) -> list[bytes]:
    """Histories of all entities of a small world, some of them made smaller."""
    kinds: list[tuple[Entity, int]] = [("customer", CUSTOMERS), ("terminal", TERMINALS)]
    stored = []
    for entity, size in kinds:
        for _ in range(size):
            raw = history(draw(amounts if entity == "customer" else visits_and_marks))
            stored.append(compacted(raw, entity, retention) if draw(st.booleans()) else raw)
    return stored


@settings(max_examples=300)
@given(st.data(), retentions, arrivals(most=15) | arrivals(in_order=True, most=15))
def test_features_are_those_of_the_plain_fold_whatever_is_stored(
    data: st.DataObject, retention: Retention, world: list[Arrival]
) -> None:
    entries, stored = entries_of(world), data.draw(stored_histories(retention))
    folded = fold(entries, Timeline.of(unpack(stored), len(stored)), retention)
    expected = plainly_folded(entries, stored, folded.late, retention)
    assert_array_equal(folded.features[:, windows], expected[:, windows])


@pytest.mark.parametrize("disorder_s", [0, 2 * HOUR_S, 40 * DAY_S])
def test_a_hot_customer_and_a_hot_terminal_have_the_features_of_the_plain_fold(disorder_s: int) -> None:
    """More than 4,096 events: tiles from an earlier rewrite, marks, and a sweep of hundreds."""
    rng, retention = np.random.default_rng(disorder_s), Retention()
    time_s = START_S + np.sort(rng.integers(0, 40 * DAY_S, 9_000))
    amounts = pack(time_s, rng.integers(0, 30_000, len(time_s)), EVENT).tobytes()
    frauds = pack(time_s[::9], np.ones(1_000, np.int64), MARK).tobytes()
    visited = pack(time_s, np.zeros_like(time_s), EVENT).tobytes()
    stored = [compacted(amounts, "customer", retention), compacted(visited + frauds, "terminal", retention)]
    come = START_S + 40 * DAY_S + np.arange(300) // 2 - rng.integers(0, disorder_s + 1, 300)
    entries = Entries(np.array([[0] * 300, [1] * 300]), come, rng.integers(0, 30_000, 300))
    folded = fold(entries, Timeline.of(unpack(stored), len(stored)), retention)
    assert bool(folded.late.any()) == (disorder_s == 40 * DAY_S)
    expected = plainly_folded(entries, stored, folded.late, retention)
    assert_array_equal(folded.features[:, windows], expected[:, windows])
