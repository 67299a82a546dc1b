"""Messages of the client to sweeps."""

import numpy as np
from confluent_kafka import Message

from streams.arrivals import EXPIRED_HEADER
from streams.gathering import held_records, sweep_of, sweeps_of, turn_of, without
from streams.lanes import BACKLOG_RECORDS, PROMPT_S, Lanes
from tests.builders import BROKER_MS, TOPIC_IDS
from tests.unit.streams.polling import L0, T0, T1
from tests.unit.streams.scripted_kafka import message


def test_messages_become_columns_in_the_order_of_arrival() -> None:
    found = [message(T1, 7, b"a", b"k1"), message(T0, 3, b"b", b"k2"), message(T1, 9, b"c", b"k3")]
    sweep = sweep_of("transactions", "id", found, "group")
    assert (sweep.topic, sweep.topic_id, sweep.group) == ("transactions", "id", "group")
    assert (sweep.partition.tolist(), sweep.offset.tolist()) == ([1, 0, 1], [7, 3, 9])
    assert (sweep.keys, sweep.values) == ([b"k1", b"k2", b"k3"], [b"a", b"b", b"c"])
    assert sweep.timestamp_ms.tolist() == [BROKER_MS] * 3
    assert sweep.offset.dtype == sweep.partition.dtype == sweep.timestamp_ms.dtype == np.int64


def test_a_tombstone_without_a_key_stays_what_it_is() -> None:
    sweep = sweep_of("transactions", "id", [Message(topic="transactions", partition=0, offset=0)], None)
    assert (sweep.keys, sweep.values) == ([None], [None])


def test_a_sweep_of_nothing_has_no_partitions() -> None:
    sweep = sweep_of("transactions", "id", [], None)
    assert (len(sweep), sweep.partitions(), sweep.reached()) == (0, [], {})


def test_each_topic_that_has_messages_gets_one_sweep_of_the_same_group() -> None:
    found = [message(T1, 7, b"a"), message(L0, 3, b"b"), message(T0, 9, b"c")]
    sweeps = sweeps_of({**TOPIC_IDS, "others": "others-id"}, found, "group", 3)
    assert [(each.topic, each.topic_id, each.values, each.group) for each in sweeps] == [
        ("transactions", "transactions-id", [b"a", b"c"], "group"),
        ("labels", "labels-id", [b"b"], "group"),
    ]
    assert [each.assignment for each in sweeps] == [3, 3]


def test_records_that_are_held_are_counted_by_partition_wherever_they_are_held() -> None:
    waiting = {T0: [message(T0, 5)], L0: [message(L0, 1)]}
    sweeps = sweeps_of(TOPIC_IDS, [message(T0, 3), message(T0, 4), message(T1, 9)], None, 1)
    assert held_records(waiting, sweeps) == {T0: 3, T1: 1, L0: 1}


def test_records_of_some_partitions_can_be_left_out() -> None:
    found = [message(T0, 1, b"a"), message(T1, 1, b"b"), message(T0, 2, b"c")]
    sweep = sweep_of("transactions", "id", found, "group")
    left = without(sweep, {T0, L0})
    assert (left.values, left.keys, left.offset.tolist(), left.group) == ([b"b"], [b"key"], [1], "group")
    assert len(without(sweep, {T0, T1})) == 0


def test_partitions_of_another_topic_take_nothing_away() -> None:
    sweep = sweep_of("labels", "id", [message(L0, 1, b"a")], None)
    assert without(sweep, {T0}) is sweep


def test_headers_come_along_where_there_are_any() -> None:
    plain = Message(topic="labels", partition=0, offset=1)
    marked = Message(topic="labels", partition=0, offset=2, headers=[(EXPIRED_HEADER, b"true")])
    assert sweep_of("labels", "id", [plain], None).headers == ()
    sweep = sweep_of("labels", "id", [plain, marked], None)
    assert [sweep.has_header(row, EXPIRED_HEADER) for row in range(2)] == [False, True]
    assert sweep.where(sweep.offset == 2).has_header(0, EXPIRED_HEADER)


def test_of_a_backlog_a_lane_takes_its_share_of_the_partitions_that_are_free() -> None:
    lanes = Lanes(2, lambda: 0.0)
    waiting = {place: [message(place, 0)] * BACKLOG_RECORDS for place in (L0, T1, T0)}
    assert turn_of(waiting, lanes) == [L0, T1]
    lanes.take(sweep_of("transactions", "id", waiting[T1], "group"))
    assert turn_of(waiting, lanes) == [L0, T0]


def test_what_would_leave_the_other_lane_few_is_not_divided() -> None:
    """Else its second half would wait for the first one, beside a lane that is free."""
    waiting = {place: [message(place, 0)] * (BACKLOG_RECORDS // 2) for place in (L0, T1, T0)}
    assert turn_of(waiting, Lanes(2, lambda: 0.0)) == [L0, T1, T0]


def test_what_few_records_are_goes_by_what_a_sweep_may_hold() -> None:
    waiting = {place: [message(place, 0)] * 10 for place in (L0, T1, T0)}
    assert turn_of(waiting, Lanes(2, lambda: 0.0, few=10)) == [L0, T1]


def test_few_records_are_not_divided() -> None:
    waiting = {place: [message(place, 0)] for place in (L0, T1, T0)}
    assert turn_of(waiting, Lanes(2, lambda: 0.0)) == [L0, T1, T0]


def test_a_few_records_wait_while_a_sweep_is_under_way_that_should_be_done_soon() -> None:
    now_s = 0.0
    lanes = Lanes(2, lambda: now_s)
    waiting = {place: [message(place, 0)] for place in (L0, T1, T0)}
    lanes.take(sweep_of("transactions", "id", waiting[T1], "group"))
    assert turn_of(waiting, lanes) == []
    now_s += PROMPT_S
    assert turn_of(waiting, lanes) == [L0, T0]


def test_they_do_not_wait_for_a_large_one() -> None:
    """Labels of months that are worked off keep no transaction waiting."""
    lanes = Lanes(2, lambda: 0.0)
    waiting = {place: [message(place, 0)] for place in (T1, T0)}
    lanes.take(sweep_of("labels", "id", [message(L0, 0)] * BACKLOG_RECORDS, "group"))
    assert turn_of(waiting, lanes) == [T1, T0]


def test_they_wait_for_the_youngest_sweep_under_way() -> None:
    now_s = 0.0
    lanes = Lanes(3, lambda: now_s)
    waiting = {place: [message(place, 0)] for place in (L0, T1, T0)}
    lanes.take(sweep_of("transactions", "id", waiting[T1], "group"))
    now_s += PROMPT_S
    lanes.take(sweep_of("transactions", "id", waiting[T0], "group"))
    assert turn_of(waiting, lanes) == []
    lanes.leave(1)
    assert turn_of(waiting, lanes) == [L0, T0]
