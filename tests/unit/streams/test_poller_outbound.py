"""A sweep that is done, and what it sends is not out yet: what the poller may do meanwhile."""

from threading import Event

from tests.unit.streams.polling import L0, T0, T1, Polling


def test_nothing_is_committed_of_a_partition_whose_alerts_wait_to_go_out(polling: Polling) -> None:
    """The sweep is done; the transaction that commits more of the partition may be under way (rule 6)."""
    polling.max_records = 1
    polling.kafka.produce(T0, b"plain", b"alert", b"plain")
    polling.kafka.give(T0)
    out = polling.done_with_alerts_to_go_out
    handlers = [polling.done_plainly, out, out]
    polling.handle = lambda sweep: handlers.pop(0)(sweep)
    polling.out_s = 4.0
    polling.run(for_s=6)
    assert polling.kafka.asked("deliver") == [{T0: 1}, {T0: 2}, {T0: 3}]
    assert polling.kafka.asked("commit") == [{T0: 0}]
    assert polling.kafka.asked("transaction") == [{T0: 2}, {T0: 3}]
    assert polling.kafka.committed_offsets == {T0: 3}


def test_a_worker_is_drained_once_everything_is_out(polling: Polling) -> None:
    polling.kafka.produce(T0, b"alert")
    polling.kafka.give(T0)
    polling.handle, polling.out_s = polling.done_with_alerts_to_go_out, 2.0
    events: list[Event] = []
    polling.clock.after(0.5, lambda: events.append(polling.poller.drain()))
    seen: list[bool] = []
    for at_s in (1.5, 3.0):
        polling.clock.after(at_s, lambda: seen.append(events[0].is_set()))
    polling.run(for_s=4)
    assert seen == [False, True]


def test_partitions_are_given_up_once_their_alerts_are_out(polling: Polling) -> None:
    polling.kafka.produce(T0, b"alert")
    polling.kafka.give(T0)
    polling.handle, polling.out_s = polling.done_with_alerts_to_go_out, 3.0
    polling.clock.after(0.5, lambda: polling.kafka.take_away(T0))
    polling.run(for_s=6)
    steps = [kind for kind, _ in polling.kafka.happened if kind in ("transaction", "unassign")]
    assert steps == ["transaction", "unassign"]


def test_offsets_that_come_through_after_their_partition_has_gone_are_not_committed(polling: Polling) -> None:
    """Its next owner may have committed more by then."""
    polling.kafka.produce(T0, b"plain")
    polling.kafka.give(T0, T1)
    polling.handle, polling.out_s = polling.done_behind_others_and_passed_on, 3.0
    polling.clock.after(0.5, lambda: polling.kafka.lose(T0))
    polling.run(for_s=6)
    assert [offsets[T0] for offsets in polling.kafka.asked("commit") if T0 in offsets] == [0]


def test_when_what_goes_out_is_refused_all_is_read_again_after_what_is_under_way(polling: Polling) -> None:
    polling.kafka.produce(T0, b"alert")
    polling.kafka.give(T0, L0)
    forgotten: list[float] = []
    polling.forgotten = lambda: forgotten.append(polling.clock.now_s)
    handlers = [polling.refused_to_go_out, polling.done_plainly, polling.done_plainly]
    polling.handle = lambda sweep: handlers.pop(0)(sweep)
    polling.out_s, polling.work_s = 0.2, 1.0
    polling.clock.after(1.05, lambda: polling.kafka.produce(L0, b"{}"))
    polling.run(for_s=6)
    assert polling.kafka.asked("deliver") == [{T0: 1}, {L0: 1}, {T0: 1}]
    assert polling.kafka.asked("assign")[1:] == [{T0: 0, L0: 1}]
    assert len(forgotten) == 1


def test_a_partition_that_comes_back_waits_for_what_was_to_go_out_of_it(polling: Polling) -> None:
    polling.kafka.produce(T0, b"alert")
    polling.kafka.give(T0)
    handlers = [polling.done_with_alerts_to_go_out, polling.done_plainly]
    polling.handle = lambda sweep: handlers.pop(0)(sweep)
    polling.out_s = 3.0
    polling.clock.after(0.5, lambda: polling.kafka.lose(T0))
    polling.clock.after(1.0, lambda: polling.kafka.give(T0))
    polling.clock.after(1.1, lambda: polling.kafka.produce(T0, b"{}"))
    polling.run(for_s=6)
    steps = [kind for kind, _ in polling.kafka.happened if kind in ("deliver", "transaction")]
    assert steps == ["deliver", "transaction", "deliver"]
