"""How a sweep's transactions become features."""

import random
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from models.compaction import compacted, overgrown
from models.features import (
    DAY_S,
    FEATURE_NAMES,
    FEATURES,
    HOUR_S,
    LATE_AFTER_S,
    Entity,
)
from models.fold import Folded, added_to_sums, fold
from models.history import EVENT, MARK, Retention, Timeline, pack, unpack
from tests.strategies import CUSTOMERS, START_S, TERMINALS, Arrival, arrivals, entries_of, lonely_arrivals

RETENTION = Retention()
SMALL = Retention(exact_events=3)
KINDS: list[Entity] = [
    "customer" if code < CUSTOMERS else "terminal" for code in range(CUSTOMERS + TERMINALS)
]


class World:
    """Histories in memory, as the view keeps them, and sweeps folded into them; customers come first."""

    def __init__(self, retention: Retention = RETENTION) -> None:
        self.retention = retention
        self.stored = [b""] * len(KINDS)

    def sweep(self, world: list[Arrival]) -> Folded:
        entries = entries_of(world)
        folded = fold(entries, Timeline.of(unpack(self.stored), len(KINDS)), self.retention)
        for codes, added in zip(entries.codes, added_to_sums(entries.amount_minor), strict=True):
            packed = pack(entries.time_s, added, EVENT)
            for i in np.flatnonzero(~folded.late):
                self.stored[codes[i]] += packed[i : i + 1].tobytes()
        return folded

    def label(self, terminal: int, time_s: int, delta: int = 1) -> None:
        self.stored[CUSTOMERS + terminal] += pack(np.array([time_s]), np.array([delta]), MARK).tobytes()

    def compact(self) -> None:
        self.stored = [
            compacted(raw, kind, self.retention) for raw, kind in zip(self.stored, KINDS, strict=True)
        ]


def expected_row(world: list[Arrival], now: int) -> list[float]:
    """The features of transaction `now` by the words of their definition, while nothing is late or tiled."""
    tx = world[now]
    row: list[float] = [float(tx.amount_minor)]
    weekday, hour = (tx.time_s // DAY_S + 3) % 7, tx.time_s % DAY_S // HOUR_S
    row += [float(weekday in (5, 6)), float(hour <= 6)]
    for window_d in (1, 7, 30):
        mine = [
            a.amount_minor
            for a in world[: now + 1]
            if a.customer == tx.customer and tx.time_s - window_d * DAY_S < a.time_s <= tx.time_s
        ]
        row += [len(mine), sum(mine) / len(mine)]
    for window_d in (1, 7, 30):
        end = tx.time_s - 7 * DAY_S
        seen = [
            a
            for a in world[: now + 1]
            if a.terminal == tx.terminal and end - window_d * DAY_S < a.time_s <= end
        ]
        row += [len(seen), 0.0]
    return row


@given(arrivals(in_order=True))
def test_features_are_what_their_definition_says(world: list[Arrival]) -> None:
    folded = World().sweep(world)
    assert not folded.late.any()
    for now in range(len(world)):
        assert_array_equal(folded.features[now], expected_row(world, now))


def splits(world: list[Arrival], cuts: list[int]) -> Iterator[list[Arrival]]:
    edges = sorted({0, *(cut % len(world) for cut in cuts), len(world)})
    return (world[a:b] for a, b in pairwise(edges))


@settings(max_examples=300)
@given(arrivals(), st.lists(st.integers(0, 100), max_size=8), st.sampled_from([RETENTION, SMALL]))
def test_any_split_of_the_log_into_sweeps_gives_the_same_features(
    world: list[Arrival], cuts: list[int], retention: Retention
) -> None:
    whole = World(retention).sweep(world)
    one_by_one, in_parts = World(retention), World(retention)
    singles = [one_by_one.sweep([arrival]) for arrival in world]
    parts = [in_parts.sweep(part) for part in splits(world, cuts)]
    for pieces in (singles, parts):
        assert_array_equal(np.concatenate([p.features for p in pieces]), whole.features)
        assert_array_equal(np.concatenate([p.late for p in pieces]), whole.late)


@settings(max_examples=400)
@given(
    st.one_of(lonely_arrivals(), arrivals(most=10)),
    st.lists(st.booleans(), min_size=10, max_size=10),
    st.integers(1, 3),
)
@example(
    [Arrival(0, 0, START_S + int(hour * HOUR_S), 1) for hour in (793.5, 1, 792, 1.0003, 1.9997)],
    [True] * 10,
    3,
)  # a record in the very hour where keeping ends
def test_compacting_a_history_at_any_time_changes_no_feature(
    world: list[Arrival], when: list[bool], exact_events: int
) -> None:
    retention = Retention(exact_events=exact_events)
    untouched, tidy = World(retention), World(retention)
    for arrival, now in zip(world, when, strict=False):
        if now:
            tidy.compact()
        assert_array_equal(tidy.sweep([arrival]).features, untouched.sweep([arrival]).features)


@given(arrivals(), st.randoms(use_true_random=False))
def test_a_history_is_a_bag_so_the_order_of_appending_does_not_matter(
    world: list[Arrival], rng: random.Random
) -> None:
    probe = Arrival(0, 0, max(a.time_s for a in world) + 1, 5)
    forwards, shuffled = World(), World()
    packed = [pack(np.array([a.time_s]), np.array([a.amount_minor]), EVENT).tobytes() for a in world]
    for raw in packed:
        forwards.stored[0] += raw
    for raw in rng.sample(packed, len(packed)):
        shuffled.stored[0] += raw
    assert_array_equal(forwards.sweep([probe]).features, shuffled.sweep([probe]).features)


def feature(folded: Folded, name: str, row: int = 0) -> float:
    return float(folded.features[row, FEATURE_NAMES.index(name)])


def test_a_fraud_counts_at_its_terminal_seven_days_later() -> None:
    world = World()
    world.sweep([Arrival(0, 0, START_S, 100), Arrival(1, 0, START_S + 1, 100)])
    world.label(0, START_S)
    before = world.sweep([Arrival(2, 0, START_S + 7 * DAY_S - 1, 100)])
    after = world.sweep([Arrival(2, 0, START_S + 7 * DAY_S + 1, 100)])
    assert feature(before, "terminal_fraud_share_1d") == 0
    assert feature(after, "terminal_tx_count_1d") == 2
    assert feature(after, "terminal_fraud_share_1d") == 0.5


def test_a_fraud_taken_back_counts_no_more() -> None:
    world = World()
    world.sweep([Arrival(0, 0, START_S, 100)])
    world.label(0, START_S)
    world.label(0, START_S, delta=-1)
    later = world.sweep([Arrival(2, 0, START_S + 8 * DAY_S - 1, 100)])
    assert feature(later, "terminal_tx_count_1d") == 1
    assert feature(later, "terminal_fraud_share_1d") == 0


def test_a_transaction_older_than_every_window_is_late_and_not_added() -> None:
    world = World()
    newest = START_S + 60 * DAY_S
    world.sweep([Arrival(0, 0, newest, 100)])
    old = world.sweep([Arrival(0, 1, newest - LATE_AFTER_S - HOUR_S, 7)])
    assert old.late.tolist() == [True]
    assert feature(old, "customer_tx_count_30d") == 1
    again = world.sweep([Arrival(0, 1, newest - LATE_AFTER_S - HOUR_S + 1, 7)])
    assert feature(again, "customer_tx_count_30d") == 1


def test_an_old_transaction_of_a_new_customer_at_a_new_terminal_is_not_late() -> None:
    world = World()
    world.sweep([Arrival(0, 0, START_S + 60 * DAY_S, 100)])
    assert not world.sweep([Arrival(1, 1, START_S, 7)]).late.any()


@given(arrivals(in_order=True, most=60))
def test_with_tiles_a_count_is_off_by_less_than_the_traffic_of_an_hour_at_each_edge(
    world: list[Arrival],
) -> None:
    world = [Arrival(0, 0, a.time_s, a.amount_minor) for a in world]
    tiled = World(SMALL).sweep(world).features
    exact = World().sweep(world).features
    for index, each in enumerate(FEATURES):
        if each.aggregate != "count":
            continue
        for i, now in enumerate(world):
            edges = (now.time_s - each.delay_s, now.time_s - each.delay_s - each.window_s)
            near = sum(any(0 <= abs(a.time_s - edge) < HOUR_S for edge in edges) for a in world[: i + 1])
            assert abs(tiled[i, index] - exact[i, index]) <= near


def test_a_history_stays_bounded_however_many_transactions_come() -> None:
    raw = b""
    rng = np.random.default_rng(1)
    for day in range(60):
        times = START_S + day * DAY_S + np.sort(rng.integers(0, DAY_S, 500))
        raw = compacted(
            raw + pack(times, times % 1000, EVENT).tobytes(), "customer", Retention(exact_events=400)
        )
    most = 400 + 2 * 24 * 34
    assert len(raw) // 12 <= most


def test_only_histories_worth_it_are_compacted() -> None:
    days = np.arange(0, 100) * DAY_S + START_S
    stale = pack(days, days, EVENT).tobytes()
    fresh = pack(days[-30:], days[-30:], EVENT).tobytes()
    timeline = Timeline.of(unpack([stale, fresh, None]), 3)
    keep_s = np.full(3, RETENTION.keep_s("customer"))
    most_records = np.full(3, RETENTION.most_records("customer"))
    assert overgrown(timeline, keep_s, most_records).tolist() == [0]
