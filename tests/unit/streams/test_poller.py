"""How the poller makes sweeps of what waits, and what it does while one is in work."""

from itertools import pairwise

import pytest
from confluent_kafka import KafkaError

from models.errors import KafkaUnavailable, SlotTaken
from streams.arrivals import Sweep
from streams.poller import IDLE_POLL_S, KEEP_ALIVE_S
from streams.watchdog import Watchdog
from tests.unit.streams.polling import L0, T0, T1, Polling
from tests.unit.streams.scripted_kafka import error_message


def test_a_sweep_takes_what_is_buffered_up_to_its_limit(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5000)
    polling.kafka.give(T0)
    polling.run()
    assert polling.sizes() == [2048, 2048, 904]


def test_no_record_is_left_out_or_taken_twice(polling: Polling) -> None:
    polling.max_records = 7
    polling.kafka.produce(T0, *(b"%d" % n for n in range(40)))
    polling.kafka.produce(T1, *(b"%d" % n for n in range(40, 60)))
    polling.kafka.give(T0, T1)
    polling.run()
    found = [value for sweep in polling.sweeps for value in sweep.values]
    assert sorted(found, key=lambda value: int(value or b"")) == [b"%d" % n for n in range(60)]


def test_a_record_that_is_alone_is_not_kept_waiting_for_others(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.clock.after(0.05, lambda: polling.kafka.produce(T0, b"alone"))
    polling.handle = lambda sweep: arrived.append(polling.clock.now_s)
    arrived: list[float] = []
    polling.run()
    assert arrived == [0.05]
    assert {wait_s for _, wait_s in polling.kafka.asked("consume")} == {0}


def test_a_record_that_came_while_a_sweep_was_in_work_goes_on_at_once(polling: Polling) -> None:
    polling.kafka.produce(T0, b"first")
    polling.kafka.give(T0)
    polling.work_s = KEEP_ALIVE_S + 0.1
    polling.clock.after(0.2, lambda: polling.kafka.produce(T0, b"second"))
    started: list[float] = []
    polling.heard = lambda lags: None

    def handle(sweep: Sweep) -> None:
        started.append(polling.clock.now_s)
        polling.done_plainly(sweep)

    polling.handle = handle
    polling.run(for_s=2)
    assert started == [0, polling.work_s]


def test_a_sweep_holds_records_of_one_topic(polling: Polling) -> None:
    polling.kafka.produce(T0, b"t0")
    polling.kafka.produce(T1, b"t1")
    polling.kafka.produce(L0, b"l0")
    polling.kafka.give(T0, T1, L0)
    polling.run()
    found = {(sweep.topic, sweep.topic_id): sweep.values for sweep in polling.sweeps}
    assert found == {("transactions", "transactions-id"): [b"t0", b"t1"], ("labels", "labels-id"): [b"l0"]}


def test_the_group_is_noted_when_a_sweep_is_polled(polling: Polling) -> None:
    """The group moves while the first sweep is in work; what waited is read again, for the new one."""
    polling.kafka.produce(T0, b"t0")
    polling.kafka.produce(L0, b"l0")
    polling.kafka.give(T0, L0)
    polling.work_s = 2 * KEEP_ALIVE_S
    polling.clock.after(0.1, lambda: polling.kafka.give(T1))
    polling.run(for_s=5)
    assert [sweep.group for sweep in polling.sweeps] == ["generation 2", "generation 3"]


def test_once_told_to_drain_it_hands_over_no_more_and_says_when_the_last_one_is_done(
    polling: Polling,
) -> None:
    polling.max_records = 1
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0)
    polling.work_s = 2.0
    drained: list[bool] = []

    def drain() -> None:
        event = polling.poller.drain()
        for after_s in (0.5, 2.5):
            polling.clock.after(after_s, lambda: drained.append(event.is_set()))

    polling.clock.after(1.0, drain)
    polling.run(for_s=6)
    assert drained == [False, True]
    assert polling.sizes() == [1]
    assert polling.kafka.committed_offsets == {T0: 1}


def test_a_drained_one_rests_whatever_waits_in_kafka(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.clock.after(1.0, lambda: polling.poller.drain())
    polling.clock.after(1.2, lambda: polling.kafka.produce(T0, *[b"{}"] * 1000))
    polling.run(for_s=3.0)
    assert polling.sweeps == []
    assert len([at_s for at_s, _ in polling.kafka.polls if at_s > 1.0]) <= 2.0 / IDLE_POLL_S + 1


def test_the_next_sweep_waits_until_the_one_in_work_is_done(polling: Polling) -> None:
    polling.max_records = 3
    polling.kafka.produce(T0, *[b"{}"] * 9)
    polling.kafka.give(T0)
    in_work: list[int] = []
    most: list[int] = []

    def handle(sweep: Sweep) -> None:
        in_work.append(1)
        most.append(len(in_work))
        polling.clock.after(0.1, in_work.pop)
        polling.done_plainly(sweep)

    polling.work_s = 0.1
    polling.handle = handle
    polling.run()
    assert most == [1, 1, 1]


def test_the_group_keeps_hearing_from_us_while_a_sweep_is_in_work(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.work_s = 290.0
    polling.run(for_s=300)
    at_s = [time_s for time_s, _ in polling.kafka.polls]
    assert max(after - before for before, after in pairwise(at_s)) <= KEEP_ALIVE_S


def test_the_watchdog_keeps_hearing_from_us_while_a_sweep_waits_for_a_dependency(polling: Polling) -> None:
    """A dependency may stay away for five minutes; every failed attempt says that the worker is alive."""
    watchdog = Watchdog(30.0, lambda: None, clock=polling.clock)
    stuck: list[float] = []

    def attempt() -> None:
        watchdog.alive()
        stuck.extend([polling.clock.now_s] * watchdog.is_stuck())
        polling.clock.after(5.0, attempt)

    polling.heard = lambda lags: watchdog.heard(sum(lags.values()))
    polling.kafka.produce(T0, *[b"{}"] * 5000)
    polling.kafka.give(T0)
    polling.work_s = 200.0
    attempt()
    polling.run(for_s=200)
    assert stuck == []


def test_a_sweep_that_hangs_is_a_stuck_worker_though_everything_is_read(polling: Polling) -> None:
    watchdog = Watchdog(30.0, lambda: None, clock=polling.clock)
    stuck: list[bool] = []
    polling.heard = lambda lags: watchdog.heard(sum(lags.values()))
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.handle = lambda sweep: None
    for after_s in (29.0, 32.0):
        polling.clock.after(after_s, lambda: stuck.append(watchdog.is_stuck()))
    polling.run(for_s=40)
    assert stuck == [False, True]


def test_records_in_work_and_records_that_wait_are_lag_too(polling: Polling) -> None:
    polling.max_records = 3
    polling.kafka.produce(T0, *[b"{}"] * 8)
    polling.kafka.give(T0)
    polling.work_s = 1.2
    polling.run(for_s=5)
    assert polling.lags == [{T0: 8}, {T0: 5}, {T0: 2}, {T0: 0}]


def test_many_records_may_come_while_a_sweep_is_in_work(polling: Polling) -> None:
    polling.max_records = 4
    polling.kafka.produce(T0, *[b"{}"] * 100)
    polling.kafka.give(T0)
    polling.work_s = 20 * KEEP_ALIVE_S
    polling.run(for_s=25 * polling.work_s)
    assert sum(polling.sizes()) == 100
    assert max(polling.sizes()) <= 4


def test_an_idle_poller_polls_without_turning_round(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.run(for_s=10)
    assert len(polling.kafka.polls) <= 10 / IDLE_POLL_S + 2


@pytest.mark.parametrize("fatal", [True, False])
def test_an_error_of_the_broker_ends_the_poller_in_our_words(polling: Polling, fatal: bool) -> None:
    polling.kafka.give(T0)
    polling.kafka.notices.append(error_message(KafkaError.TOPIC_AUTHORIZATION_FAILED, fatal=fatal))
    with pytest.raises(KafkaUnavailable, match="words"):
        polling.run()


@pytest.mark.parametrize("code", [KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL])
def test_a_worker_whose_slot_another_one_has_says_so(polling: Polling, code: int) -> None:
    polling.kafka.give(T0)
    polling.kafka.notices.append(error_message(code, fatal=True))
    with pytest.raises(SlotTaken, match=r"another worker has the slot.*--slot"):
        polling.run()


def test_an_error_that_passes_is_waited_out(polling: Polling) -> None:
    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.kafka.notices.append(error_message(KafkaError._TRANSPORT, retriable=True))
    polling.run()
    assert polling.sizes() == [1]


def test_whatever_else_goes_wrong_ends_the_poller_too(polling: Polling) -> None:
    def fail(sweep: Sweep) -> None:
        raise ZeroDivisionError

    polling.kafka.produce(T0, b"{}")
    polling.kafka.give(T0)
    polling.handle = fail
    with pytest.raises(ZeroDivisionError):
        polling.run()


def test_how_far_we_are_behind_is_told_at_every_interval(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 3)
    polling.kafka.produce(T1, b"{}")
    polling.kafka.give(T0, T1)
    polling.run(for_s=3.5)
    assert polling.lags == [{T0: 0, T1: 0}] * 3
