"""The laws of keeping histories small: nothing that counts is lost, in whatever order things come."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.compaction import LEAST_WASTE, compacted, compacted_together, overgrown
from models.features import DAY_S, HOUR_S, Entity
from models.history import COUNT, EVENT, MARK, Retention, Timeline, pack, tiles_end, unpack
from tests.strategies import START_S, times_s
from tests.unit.models.histories import entities, events, histories, history, retentions, seen

RETENTION = Retention()
KEEP_S = RETENTION.keep_s("customer")


def window(raw: bytes, start_s: int, end_s: int) -> tuple[int, int]:
    """Count and sum of what lies in (start, end]."""
    timeline = Timeline.of(unpack([raw]), 1)
    code = np.zeros(1, np.int64)
    count, total = timeline.between(
        timeline.after(code, np.array([start_s])), timeline.after(code, np.array([end_s]))
    )
    return int(count[0]), int(total[0])


# Keeping it small.


@given(st.lists(st.tuples(histories, entities), max_size=6), retentions)
def test_many_are_compacted_together_as_each_by_itself(
    many: list[tuple[list[tuple[int, int, int]], Entity]], retention: Retention
) -> None:
    raws = [history(records) for records, _ in many]
    keep_s = np.array([retention.keep_s(entity) for _, entity in many], np.int64)
    assert compacted_together(raws, keep_s, retention.exact_events) == [
        compacted(raw, entity, retention) for raw, (_, entity) in zip(raws, many, strict=True)
    ]


def test_what_is_as_old_as_can_count_stays_and_a_second_more_goes() -> None:
    newest = START_S + 60 * DAY_S + 1234
    floor = START_S + 60 * DAY_S - KEEP_S
    old = [(floor - 1, 1, EVENT), (floor, 2, EVENT), (newest, 3, EVENT)]
    assert compacted(history(old), "customer", RETENTION) == history(old[1:])


def test_a_terminals_history_reaches_a_label_delay_further_back() -> None:
    old = history([(START_S, 1, EVENT), (START_S + 37 * DAY_S, 2, EVENT)])
    assert len(compacted(old, "customer", RETENTION)) == 12
    assert compacted(old, "terminal", RETENTION) == old


def test_a_history_that_is_small_and_young_stays_byte_for_byte() -> None:
    raw = history([(START_S + 5, 1, EVENT), (START_S, 2, EVENT), (START_S + 9, -1, MARK)])
    assert compacted(raw, "terminal", RETENTION) == raw


def test_beyond_the_exact_events_older_whole_hours_become_tiles() -> None:
    times = [0, 10, 20, HOUR_S + 5, 2 * HOUR_S, 2 * HOUR_S + 1]
    raw = history([(START_S + time, 100, EVENT) for time in times])
    assert compacted(raw, "customer", Retention(exact_events=2)) == history(
        [
            (START_S, 3, COUNT),
            (START_S + HOUR_S, 1, COUNT),
            (START_S, 300, MARK),
            (START_S + HOUR_S, 100, MARK),
            (START_S + 2 * HOUR_S, 100, EVENT),
            (START_S + 2 * HOUR_S + 1, 100, EVENT),
        ]
    )


def test_the_hour_that_holds_one_event_too_many_becomes_a_tile_as_a_whole() -> None:
    times = np.array([START_S, START_S + 1, START_S + HOUR_S])
    assert tiles_end(times, np.ones(3, np.int64), 2) == START_S + HOUR_S
    assert tiles_end(times, np.ones(3, np.int64), 3) == 0


@given(histories, entities, retentions, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    records: list[tuple[int, int, int]], entity: Entity, retention: Retention, rng: random.Random
) -> None:
    other = rng.sample(records, len(records))
    assert seen(compacted(history(records), entity, retention)) == seen(
        compacted(history(other), entity, retention)
    )


@given(histories, entities, retentions)
def test_compacting_again_changes_no_byte(
    records: list[tuple[int, int, int]], entity: Entity, retention: Retention
) -> None:
    once = compacted(history(records), entity, retention)
    assert compacted(once, entity, retention) == once


@given(histories, histories, entities, retentions)
def test_compacting_early_or_late_leads_to_the_same_history(
    before: list[tuple[int, int, int]],
    after: list[tuple[int, int, int]],
    entity: Entity,
    retention: Retention,
) -> None:
    early = compacted(history(before), entity, retention) + history(after)
    late = history(before + after)
    assert seen(compacted(early, entity, retention)) == seen(compacted(late, entity, retention))


def test_a_fraud_taken_back_before_it_is_known_is_none_in_the_end() -> None:
    """Marks of two partitions, the later version first, and a rewrite between them."""
    retention = Retention(exact_events=1)
    visits = [(START_S, 0, EVENT), (START_S + 2 * HOUR_S, 0, EVENT)]
    early = compacted(history([*visits, (START_S, -1, MARK)]), "terminal", retention)
    raw = early + history([(START_S, 1, MARK)])
    assert window(raw, START_S - 1, START_S + HOUR_S - 1) == (1, 0)


@given(histories, retentions, times_s(), st.integers(1, 3))
def test_a_window_of_whole_hours_is_exact_among_tiles(
    records: list[tuple[int, int, int]], retention: Retention, start_s: int, hours: int
) -> None:
    raw = history(records)
    small = compacted(raw, "terminal", retention)
    newest = max((time_s for time_s, _, _ in records), default=0)
    kept = [r for r in records if r[0] >= newest - newest % HOUR_S - retention.keep_s("terminal")]
    # (start, end] of whole hours: from the last second before one to the last second of another.
    start_s = start_s - start_s % HOUR_S - 1
    end_s = start_s + hours * HOUR_S
    assert window(small, start_s, end_s) == window(history(kept), start_s, end_s)


@given(st.lists(events, max_size=30), retentions, times_s(), st.integers(0, 3 * HOUR_S))
def test_any_other_window_is_off_by_less_than_the_traffic_of_the_hours_at_its_edges(
    records: list[tuple[int, int, int]], retention: Retention, start_s: int, length_s: int
) -> None:
    newest = max((time_s for time_s, _, _ in records), default=0)
    kept = [r for r in records if r[0] >= newest - newest % HOUR_S - retention.keep_s("customer")]
    end_s = start_s + length_s
    tiled = window(compacted(history(records), "customer", retention), start_s, end_s)
    exact = window(history(kept), start_s, end_s)
    edges = {edge - edge % HOUR_S for edge in (start_s, end_s)}
    near = [r for r in kept if r[0] - r[0] % HOUR_S in edges]
    assert abs(tiled[0] - exact[0]) <= len(near)
    assert abs(tiled[1] - exact[1]) <= sum(payload for _, payload, _ in near)


# When it is worth it.


def overgrown_of(raw: bytes, retention: Retention, entity: Entity = "customer") -> bool:
    keep_s = np.array([retention.keep_s(entity)])
    most_records = np.array([retention.most_records(entity)])
    return bool(len(overgrown(Timeline.of(unpack([raw]), 1), keep_s, most_records)))


@pytest.mark.parametrize(
    ("stale", "fresh", "worth_it"),
    [(LEAST_WASTE, 2 * LEAST_WASTE, True), (LEAST_WASTE - 1, 1, False), (16, 33, False), (17, 34, True)],
)
def test_a_history_is_rewritten_for_a_third_and_for_sixteen_records_at_least(
    stale: int, fresh: int, worth_it: bool
) -> None:
    newest = START_S + KEEP_S + 3 * HOUR_S
    records = [(START_S + n, 1, EVENT) for n in range(stale)] + [(newest, 1, EVENT)] * fresh
    assert overgrown_of(history(records), RETENTION) is worth_it


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 3))
def test_a_rewrite_saves_what_it_promises(stale: int, fresh: int, late_hours: int) -> None:
    newest = START_S + KEEP_S + late_hours * HOUR_S
    raw = history([(START_S, 1, EVENT)] * stale + [(newest + n, 1, EVENT) for n in range(fresh)])
    saved = len(raw) - len(compacted(raw, "customer", RETENTION))
    assert overgrown_of(raw, RETENTION) is (saved >= LEAST_WASTE * 12 and saved * 3 >= len(raw))


@pytest.mark.parametrize(("days", "per_day"), [(5, 3000), (60, 300)])
def test_a_history_of_events_is_not_rewritten_twice(days: int, per_day: int) -> None:
    retention = Retention(exact_events=100)
    times = START_S + np.arange(days * per_day) * DAY_S // per_day
    raw = pack(times, np.full(len(times), 5), EVENT).tobytes()
    assert overgrown_of(raw, retention)
    assert not overgrown_of(compacted(raw, "customer", retention), retention)


def test_a_history_of_many_marks_is_not_rewritten_for_nothing() -> None:
    """A terminal whose frauds were taken back and found again, over and over."""
    retention = Retention(exact_events=100)
    records = [(START_S, 0, EVENT)] * 100 + [(START_S, 1, MARK), (START_S, -1, MARK)] * 2000
    raw = history(records)
    saved = len(raw) - len(compacted(raw, "terminal", retention))
    assert saved * 3 >= len(raw) or not overgrown_of(raw, retention, "terminal")
