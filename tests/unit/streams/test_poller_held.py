"""A partition that is held is read no further, and on from there once it is released; others go on."""

import pytest

from streams.arrivals import Sweep
from streams.offsets import Place
from tests.unit.streams.polling import L0, T0, T1, Polling, offsets_of


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> Polling:
    return Polling(monkeypatch)


def holding(polling: Polling, place: Place, at: int) -> None:
    """The first sweep with a record of the place is cut short there, as a flood would have it."""

    def handle(sweep: Sweep) -> None:
        offsets = offsets_of(sweep)
        if offsets.get(place, 0) > at:
            polling.poller.hold({place: at})
            offsets[place] = at
        polling.poller.later(offsets)
        polling.progress.update({(sweep.topic_id, number): at for (_, number), at in offsets.items()})
        polling.poller.finished()

    polling.handle = handle


def read_of(polling: Polling, place: Place) -> list[int]:
    return [
        int(offset)
        for sweep in polling.sweeps
        for number, offset in zip(sweep.partition, sweep.offset, strict=True)
        if (sweep.topic, int(number)) == place
    ]


def test_a_held_partition_is_not_read_and_others_are(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.produce(T1, b"{}")
    polling.kafka.give(T0, T1)
    holding(polling, T0, 3)
    polling.clock.after(2.0, lambda: polling.kafka.produce(T0, b"{}"))
    polling.clock.after(2.0, lambda: polling.kafka.produce(T1, b"{}"))
    polling.run(for_s=5)
    assert read_of(polling, T0) == [0, 1, 2, 3, 4]
    assert read_of(polling, T1) == [0, 1]
    assert polling.kafka.committed_offsets == {T0: 3, T1: 2}


def test_it_counts_as_waiting_and_is_said_to_be_held(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0)
    holding(polling, T0, 3)
    polling.run(for_s=2.5)
    assert polling.lags[-1] == {T0: 2}
    assert polling.held[-1] == {T0: 3}


def test_once_released_it_is_read_on_from_where_it_was_held(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0)
    holding(polling, T0, 3)
    polling.clock.after(2.0, lambda: setattr(polling, "handle", polling.done_plainly))
    polling.clock.after(2.0, lambda: polling.poller.release(T0))
    polling.run(for_s=5)
    assert read_of(polling, T0) == [0, 1, 2, 3, 4, 3, 4]
    assert polling.kafka.committed_offsets == {T0: 5}
    assert polling.held[-1] == {}


def test_what_was_read_of_it_and_waits_is_forgotten(polling: Polling) -> None:
    """Two topics make two sweeps: the second one is cut while it waits."""
    polling.kafka.produce(T0, b"{}")
    polling.kafka.produce(L0, b"{}", b"{}")
    polling.kafka.give(T0, L0)

    def handle(sweep: Sweep) -> None:
        if sweep.topic == "transactions":
            polling.poller.hold({L0: 1})
        polling.done_plainly(sweep)

    polling.handle = handle
    polling.run()
    assert read_of(polling, L0) == []


def test_a_held_partition_that_goes_to_another_worker_is_held_no_more(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0)
    holding(polling, T0, 3)
    polling.clock.after(2.0, lambda: polling.kafka.take_away(T0))
    polling.clock.after(3.0, lambda: setattr(polling, "handle", polling.done_plainly))
    polling.clock.after(3.0, lambda: polling.kafka.give(T0))
    polling.run(for_s=6)
    assert read_of(polling, T0)[5:] == [3, 4]


def test_after_a_refusal_it_is_read_again_from_the_committed_offset(polling: Polling) -> None:
    polling.kafka.produce(T0, *[b"{}"] * 5)
    polling.kafka.give(T0, T1)
    holding(polling, T0, 3)

    holds = polling.handle

    def refuse(sweep: Sweep) -> None:
        polling.handle = holds
        polling.poller.refused()

    def refused_once() -> None:
        polling.handle = refuse
        polling.kafka.produce(T1, b"{}")

    polling.clock.after(3.0, refused_once)
    polling.run(for_s=6)
    assert read_of(polling, T0)[5:] == [3, 4]
    assert polling.held[-1] == {T0: 3}


def test_a_partition_that_is_not_ours_is_not_held(polling: Polling) -> None:
    polling.kafka.give(T0)
    polling.clock.after(2.0, lambda: polling.poller.hold({T1: 3}))
    polling.run(for_s=5)
    assert polling.held[-1] == {}
