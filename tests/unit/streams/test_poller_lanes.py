"""Two sweeps under way: never of the same partition, and each kept as safe as one alone."""

from collections.abc import Sequence
from functools import partial

import pytest
from confluent_kafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.arrivals import Sweep
from streams.lanes import BACKLOG_RECORDS, PROMPT_S
from streams.poller import BLOCKED_S, FEW_S, KEEP_ALIVE_S
from tests.unit.streams.polling import L0, T0, T1, Polling, offsets_of


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> Polling:
    found = Polling(monkeypatch)
    found.lanes = 2
    return found


def lanes_of(polling: Polling) -> list[tuple[int, dict[tuple[str, int], int]]]:
    return [(sweep.lane, offsets_of(sweep)) for sweep in polling.sweeps]


def test_a_few_records_of_another_partition_wait_for_the_sweep_under_way(polling: Polling) -> None:
    polling.kafka.give(T0, T1)
    polling.work_s = PROMPT_S / 2
    polling.clock.after(0.20, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(0.21, lambda: polling.kafka.produce(T1, b"{}"))
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 1}), (0, {T1: 1})]
    asked = [at_s for at_s, _ in polling.kafka.polls if 0.215 < at_s < 0.245]
    assert len(asked) <= 0.03 / FEW_S + 1


def test_a_record_that_need_not_wait_is_noticed_at_once_beside_a_large_sweep(polling: Polling) -> None:
    polling.kafka.give(T0, T1)
    polling.work_s = 0.5
    polling.clock.after(0.200, lambda: polling.kafka.produce(T0, *[b"{}"] * BACKLOG_RECORDS))
    polling.clock.after(0.210, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(0.217, lambda: polling.kafka.produce(T1, b"{}"))
    polling.run(for_s=0.4)
    assert lanes_of(polling) == [(0, {T0: BACKLOG_RECORDS}), (1, {T1: 1})]
    assert polling.delivered_s[1] <= 0.217 + BLOCKED_S


def test_they_wait_no_longer_for_one_that_takes_its_time(polling: Polling) -> None:
    polling.kafka.give(T0, T1)
    polling.work_s = 1.0
    polling.clock.after(0.20, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(0.21, lambda: polling.kafka.produce(T1, b"{}"))
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 1}), (1, {T1: 1})]
    assert PROMPT_S <= polling.delivered_s[1] - polling.delivered_s[0] <= PROMPT_S + FEW_S


def test_a_backlog_that_comes_while_one_lane_works_goes_to_the_other(polling: Polling) -> None:
    polling.kafka.give(T0, T1)
    polling.work_s = 0.08
    polling.clock.after(0.20, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(0.21, lambda: polling.kafka.produce(T1, *[b"{}"] * BACKLOG_RECORDS))
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 1}), (1, {T1: BACKLOG_RECORDS})]
    assert polling.delivered_s[1] - polling.delivered_s[0] <= 0.01 + FEW_S


def test_records_of_the_same_partition_wait_for_it_and_are_handed_over_as_soon_as_it_is_done(
    polling: Polling,
) -> None:
    polling.kafka.give(T0)
    polling.work_s = 0.05
    polling.clock.after(0.20, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(0.21, lambda: polling.kafka.produce(T0, b"{}", b"{}"))
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 1}), (0, {T0: 3})]
    assert polling.delivered_s[1] - polling.delivered_s[0] == pytest.approx(0.05)


def test_of_a_backlog_each_lane_takes_the_partitions_of_its_share(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * BACKLOG_RECORDS)
    polling.kafka.produce(T1, *[b"{}"] * BACKLOG_RECORDS)
    polling.kafka.give(T0, T1)
    polling.work_s = 0.5
    polling.run()
    assert lanes_of(polling) == [(0, {T0: BACKLOG_RECORDS}), (1, {T1: BACKLOG_RECORDS})]


def test_a_few_records_of_all_partitions_make_one_sweep(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.produce(T1, *[b"{}"] * 5)
    polling.kafka.give(T0, T1)
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 5, T1: 5})]


def test_transactions_and_labels_go_beside_each_other(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.produce(L0, b"{}")
    polling.kafka.give(T0, L0)
    polling.work_s = 0.3
    polling.run()
    assert lanes_of(polling) == [(0, {T0: 1}), (1, {L0: 1})]


def test_a_partition_that_is_always_under_way_has_its_offsets_committed_between_two_sweeps(
    polling: Polling,
) -> None:
    """And never beside one, as that may be committing more (rule 6)."""
    polling.max_records = 10
    for place in (T0, T1):
        polling.kafka.produce(place, *[b"{}"] * 1000)
    polling.kafka.give(T0, T1)
    polling.work_s = 0.09
    under_way: dict[int, Sweep] = {}
    beside: list[TopicPartition] = []

    def handle(sweep: Sweep) -> None:
        under_way[sweep.lane] = sweep
        polling.done_plainly(sweep)
        polling.clock.after(polling.work_s, lambda: under_way.pop(sweep.lane))

    commit = polling.kafka.commit

    def noted(offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        busy = {place for sweep in under_way.values() for place in offsets_of(sweep)}
        beside.extend(each for each in offsets if (each.topic, each.partition) in busy)
        commit(offsets, asynchronous)

    polling.kafka.commit = noted  # type: ignore[method-assign]
    polling.handle = handle
    polling.run(for_s=5)
    committed = [place for offsets in polling.kafka.asked("commit") for place in offsets]
    assert beside == []
    assert min(committed.count(T0), committed.count(T1)) >= 4


def test_after_a_refusal_what_is_under_way_ends_before_all_is_read_again(polling: Polling) -> None:
    """Else a sweep that commits alerts would come a second time, and its alerts with it."""
    polling.kafka.produce(T0, b"refused")
    polling.kafka.produce(L0, b"alert")
    polling.kafka.give(T0, L0)
    polling.work_s = 0.3

    refused: list[Sweep] = []

    def handle(sweep: Sweep) -> None:
        if sweep.topic == "labels":
            polling.done_in_a_transaction(sweep)
        elif refused:
            polling.done_plainly(sweep)
        else:
            refused.append(sweep)
            polling.clock.after(0.01, lambda: polling.poller.refused(sweep.lane))

    polling.handle = handle
    polling.run(for_s=3)
    assert [offsets_of(sweep) for sweep in polling.sweeps] == [{T0: 1}, {L0: 1}, {T0: 1}]
    steps = [(kind, what) for kind, what in polling.kafka.happened if kind in ("transaction", "assign")]
    assert steps[1:] == [("transaction", {L0: 1}), ("assign", {T0: 0, L0: 1})]


def test_partitions_are_given_up_once_both_sweeps_are_done(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * BACKLOG_RECORDS)
    polling.kafka.produce(T1, *[b"{}"] * BACKLOG_RECORDS)
    polling.kafka.give(T0, T1)
    polling.work_s = KEEP_ALIVE_S + 0.2
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    polling.run(for_s=4)
    ends = {T0: BACKLOG_RECORDS, T1: BACKLOG_RECORDS}
    steps = polling.kafka.happened
    assert steps.index(("commit", ends)) < max(
        place for place, (kind, _) in enumerate(steps) if kind == "unassign"
    )
    assert polling.kafka.committed_offsets == ends


@given(
    st.lists(st.tuples(st.sampled_from([T0, T1, L0]), st.integers(1, 900)), max_size=6),
    st.integers(1, 700),
    st.integers(1, 3),
    st.lists(st.sampled_from([0.0, 0.001, 0.02, 0.3]), min_size=1, max_size=5),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_record_comes_once_and_in_order_however_long_sweeps_take(
    monkeypatch: pytest.MonkeyPatch,
    bursts: list[tuple[tuple[str, int], int]],
    most: int,
    lanes: int,
    work_s: list[float],
) -> None:
    with monkeypatch.context() as patch:
        polling = Polling(patch)
        polling.lanes, polling.max_records = lanes, most
        polling.kafka.give(T0, T1, L0)
        for number, (place, count) in enumerate(bursts):
            come = partial(polling.kafka.produce, place, *[b"{}"] * count)
            polling.clock.after(0.2 + number * 0.01, come)
        under_way: dict[int, set[tuple[str, int]]] = {}

        def handle(sweep: Sweep) -> None:
            mine = set(offsets_of(sweep))
            assert not any(mine & others for others in under_way.values())
            under_way[sweep.lane] = mine
            polling.work_s = work_s[len(polling.sweeps) % len(work_s)]
            polling.clock.after(polling.work_s, lambda: under_way.pop(sweep.lane))
            polling.done_plainly(sweep)

        polling.handle = handle
        polling.run(for_s=300)
    for place in (T0, T1, L0):
        expected = sum(count for each, count in bursts if each == place)
        read = [
            int(offset)
            for sweep in polling.sweeps
            for number, offset in zip(sweep.partition, sweep.offset, strict=True)
            if (sweep.topic, int(number)) == place
        ]
        assert read == list(range(expected))
