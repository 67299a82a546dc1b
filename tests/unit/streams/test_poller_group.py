"""What the poller does when the group moves: where it starts, what it drops, when it stops."""

import pytest

from models.errors import LogBehindLedger, LogExpired, OffsetsMissing, TopicRemade
from streams.arrivals import Sweep
from streams.offsets import Place
from streams.poller import REVOKE_WAIT_S
from tests.unit.streams.polling import L0, T0, T1, Polling
from tests.unit.streams.scripted_kafka import message


def test_a_partition_is_read_from_the_smaller_of_committed_offset_and_progress(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 20)
    polling.kafka.produce(T1, *[b"{}"] * 20)
    polling.kafka.committed_offsets = {T0: 7, T1: 12}
    polling.progress = {("transactions-id", 0): 9, ("transactions-id", 1): 10}
    polling.kafka.give(T0, T1)
    polling.run()
    assert polling.kafka.asked("assign") == [{T0: 7, T1: 10}]


@pytest.mark.parametrize(
    ("committed", "progress", "first", "halt"),
    [
        ({}, 3, 0, OffsetsMissing),
        ({T0: 3}, 6, 0, LogBehindLedger),
        ({T0: 1}, 3, 2, LogExpired),
    ],
)
def test_a_partition_that_cannot_be_continued_stops_the_worker_before_any_sweep(
    polling: Polling, committed: dict[tuple[str, int], int], progress: int, first: int, halt: type[Exception]
) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.first[T0] = first
    polling.kafka.committed_offsets = committed
    polling.progress = {("transactions-id", 0): progress}
    polling.kafka.give(T0)
    with pytest.raises(halt, match="transactions partition 0"):
        polling.run()
    assert polling.sweeps == []
    assert polling.kafka.asked("commit") == []


def test_progress_of_an_earlier_topic_of_the_same_name_counts_for_nothing(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.progress = {("another-id", 0): 100}
    polling.kafka.give(T0)
    polling.run()
    assert polling.kafka.asked("assign") == [{T0: 0}]


def test_a_topic_made_again_stops_the_worker(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.clock.after(0.5, lambda: polling.topic_ids.update(transactions="remade-id"))
    polling.clock.after(0.6, lambda: polling.kafka.give(T1))
    with pytest.raises(TopicRemade):
        polling.run(for_s=2)


def test_faust_is_told_what_is_owned_after_every_move(polling: Polling) -> None:
    polling.kafka.give(T0, L0)
    polling.kafka.give(T1)
    polling.kafka.take_away(T0)
    polling.run()
    nothing: frozenset[Place] = frozenset()
    assert polling.owned[:5] == [
        frozenset({T0, L0}),
        nothing,
        frozenset({T0, L0, T1}),
        nothing,
        frozenset({L0, T1}),
    ]


def test_when_partitions_come_the_others_go_on_where_they_were(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0)
    polling.clock.after(0.5, lambda: polling.kafka.give(T1))
    polling.run(for_s=3)
    assert polling.kafka.asked("assign") == [{T0: 0}, {T0: 5, T1: 0}]
    assert polling.kafka.committed_offsets == {T0: 5, T1: 0}
    assert polling.sizes() == [5]


@pytest.mark.parametrize("move", ["take_away", "lose"])
def test_buffered_records_of_a_partition_that_has_gone_are_dropped(polling: Polling, move: str) -> None:
    polling.max_records = 2
    polling.kafka.produce(T0, b"first")
    polling.kafka.give(T0, L0)
    polling.work_s = 3.0

    def come_and_go() -> None:
        polling.kafka.produce(L0, b"label")
        polling.kafka.produce(T0, b"second")

    polling.clock.after(0.1, come_and_go)
    polling.clock.after(1.6, lambda: getattr(polling.kafka, move)(T0))
    polling.run(for_s=10)
    assert [(sweep.topic, sweep.values) for sweep in polling.sweeps] == [
        ("transactions", [b"first"]),
        ("labels", [b"label"]),
    ]


def test_a_record_of_a_partition_that_is_not_ours_is_left_to_its_owner(polling: Polling) -> None:
    """The client may still hand out what it had fetched before the partition went."""
    polling.kafka.produce(T0, b"ours")
    polling.kafka.give(T0)
    polling.kafka.notices.append(message(T1, 5))
    polling.run()
    assert [sweep.values for sweep in polling.sweeps] == [[b"ours"]]


def test_a_sweep_that_waits_its_turn_loses_the_partitions_that_have_gone(polling: Polling) -> None:
    polling.kafka.produce(T0, b"t0")
    polling.kafka.produce(T1, b"t1")
    polling.kafka.produce(L0, b"l0")
    polling.kafka.give(L0, T0, T1)
    polling.topic_ids = {"labels": "labels-id", "transactions": "transactions-id"}
    polling.work_s = 2.0
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    polling.run(for_s=10)
    assert [sweep.values for sweep in polling.sweeps] == [[b"l0"], [b"t1"]]


def test_a_revocation_waits_for_the_sweep_in_work_and_commits_it(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.work_s = REVOKE_WAIT_S - 1
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    polling.run(for_s=10)
    assert polling.kafka.happened[-4:-2] == [("commit", {T0: 1}), ("unassign", {T0})]


def test_a_revocation_does_not_wait_for_ever(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.handle = lambda sweep: None
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    owned_then: list[frozenset[Place]] = []
    polling.clock.after(REVOKE_WAIT_S + 1, lambda: owned_then.append(polling.owned[-1]))
    polling.run(for_s=REVOKE_WAIT_S + 2)
    assert owned_then == [frozenset()]


@pytest.mark.parametrize("back", [True, False], ids=["and comes back", "for good"])
def test_a_sweep_that_outlasts_its_partition_commits_nothing_plainly(polling: Polling, back: bool) -> None:
    """Whoever has it then may have committed more, and Kafka would let the offset go back."""
    polling.kafka.produce(T0, b"{}")
    polling.kafka.produce(T1, b"{}")
    polling.kafka.give(T0, T1)
    polling.work_s = REVOKE_WAIT_S + 2
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    if back:
        polling.clock.after(0.1, lambda: polling.kafka.give(T0))

    def go_on_elsewhere() -> None:
        polling.kafka.produce(T0, *[b"{}"] * 8)
        polling.progress["transactions-id", 0] = polling.kafka.committed_offsets[T0] = 9

    polling.clock.after(REVOKE_WAIT_S + 1, go_on_elsewhere)
    polling.run(for_s=REVOKE_WAIT_S + 4)
    assert polling.kafka.committed_offsets[T0] == 9


def test_after_a_refusal_everything_is_read_again_from_what_is_settled(polling: Polling) -> None:
    polling.max_records = 4
    polling.kafka.produce(T0, *(b"%d" % n for n in range(6)))
    polling.kafka.give(T0)

    def refuse_the_first(sweep: Sweep) -> None:
        if len(polling.sweeps) == 1:
            polling.progress = {("transactions-id", 0): 3}
            polling.kafka.committed_offsets[T0] = 2
            polling.clock.after(0.7, polling.poller.refused)
        else:
            polling.done_plainly(sweep)

    polling.handle = refuse_the_first
    polling.run(for_s=3)
    assert polling.kafka.asked("assign")[-1] == {T0: 2}
    assert [sweep.values for sweep in polling.sweeps[1:]] == [[b"2", b"3", b"4", b"5"]]
    assert polling.kafka.committed_offsets == {T0: 6}


def test_a_refusal_forgets_the_sweeps_of_the_same_poll_and_what_was_owed(polling: Polling) -> None:
    polling.kafka.produce(T0, b"t0")
    polling.kafka.produce(L0, b"l0")
    polling.kafka.give(T0, L0)

    def refuse_the_first(sweep: Sweep) -> None:
        if len(polling.sweeps) == 1:
            polling.poller.later({L0: 1})
            polling.poller.refused()
        else:
            polling.clock.after(5.0, polling.poller.finished)

    polling.handle = refuse_the_first
    polling.run(for_s=2)
    assert polling.kafka.asked("assign")[-1] == {L0: 0, T0: 0}
    assert [sweep.topic for sweep in polling.sweeps] == ["transactions", "transactions"]
    assert polling.kafka.committed_offsets == {T0: 0, L0: 0}


def test_a_refusal_during_a_revocation_reads_nothing_again(polling: Polling) -> None:
    """What was refused goes to its next owner, or is dealt to us again."""
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.handle = lambda sweep: polling.clock.after(2.0, polling.poller.refused)
    polling.clock.after(0.1, lambda: polling.kafka.take_away(T0))
    polling.run(for_s=5)
    assert polling.kafka.asked("assign", "unassign") == [{T0: 0}, {T0}, {}]
