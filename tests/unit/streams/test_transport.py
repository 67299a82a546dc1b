"""Faust on our transport: one event is one sweep, acknowledged when it is done, never skipped."""

import asyncio
import gc
from pathlib import Path
from threading import Event

import pytest

from streams.arrivals import Sweep
from streams.transport import SweepConsumer
from tests.builders import Log, label, sweep_of, transaction
from tests.unit.streams.fausted import PATIENCE_S, Runner, fausted


def numbered(count: int) -> list[Sweep]:
    """Sweeps of three records each, one after the other in partition 3."""
    log = Log()
    log.produce(*(transaction(f"tx-{n}") for n in range(3 * count)), partition=3)
    return [log.sweep({3: 3 * n}, {3: 3 * n + 3}) for n in range(count)]


def test_each_sweep_is_one_event_of_the_agent_of_its_topic_in_order(tmp_path: Path) -> None:
    sweeps = [*numbered(3), sweep_of(label("tx-1"), topic="labels")]
    runner = Runner(expected=4)

    async def work() -> None:
        async with fausted(tmp_path, runner, *sweeps) as world:
            await world.until(runner.all_seen)
        assert world.poller.happened == ["assigned", "stopped"]
        assert world.crashes == []

    asyncio.run(work())
    assert [sweep.topic for sweep in runner.seen].count("labels") == 1
    assert [sweep for sweep in runner.seen if sweep.topic == "transactions"] == sweeps[:3]


def test_a_sweep_that_is_not_ours_is_read_again_and_work_goes_on(tmp_path: Path) -> None:
    sweeps = numbered(3)
    runner = Runner(expected=3, handle=lambda sweep: sweep is not sweeps[1])

    async def work() -> None:
        async with fausted(tmp_path, runner, *sweeps) as world:
            await world.until(runner.all_seen)
        assert world.poller.happened == ["assigned", "refused", "stopped"]

    asyncio.run(work())
    assert runner.seen == sweeps


def test_an_exception_in_an_agent_crashes_and_its_sweep_is_not_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock Faust acknowledges what has failed and goes on with the next."""
    sweeps = numbered(1)
    acknowledged: list[Sweep] = []
    monkeypatch.setattr(SweepConsumer, "ack", lambda self, message: acknowledged.append(message.value))

    def fail(sweep: Sweep) -> bool:
        raise ZeroDivisionError(int(sweep.offset[0]))

    runner = Runner(expected=1, handle=fail)

    async def work() -> None:
        async with fausted(tmp_path, runner, *sweeps) as world:
            await world.until(world.crashed)
            world.app.conf.stream_wait_empty = False
        assert [error.args for error in world.crashes] == [(0,)]

    asyncio.run(work())
    gc.collect()
    assert runner.seen == sweeps
    assert acknowledged == []


def test_a_worker_told_to_stop_finishes_the_sweep_in_work_first(tmp_path: Path) -> None:
    release = Event()
    runner = Runner(expected=1, handle=lambda sweep: release.wait(PATIENCE_S))

    async def work() -> list[str]:
        async with fausted(tmp_path, runner, *numbered(1)) as world:
            await world.until(runner.all_seen)
            stopping = asyncio.ensure_future(world.app.stop())
            await world.until(world.app.parts.stop)
            before = list(world.poller.happened)
            release.set()
            await stopping
        return [*before, "released", *world.poller.happened[len(before) :]]

    assert asyncio.run(work()) == ["assigned", "released", "stopped"]


def test_faust_knows_the_partitions_that_are_ours(tmp_path: Path) -> None:
    async def work() -> None:
        async with fausted(tmp_path, Runner(expected=0)) as world:
            consumer = world.app.consumer
            assert {tuple(tp) for tp in consumer.assignment()} == {
                ("transactions", 0),
                ("transactions", 3),
                ("labels", 0),
            }
            assert (consumer.owns("labels", 0), consumer.owns("labels", 3)) == (True, False)
            assert consumer.topic_partitions("transactions") == 2

    asyncio.run(work())


def test_a_message_is_acknowledged_once_and_bears_the_place_of_its_last_record(tmp_path: Path) -> None:
    async def work() -> None:
        async with fausted(tmp_path, Runner(expected=0)) as world:
            consumer = world.app.consumer
            message = consumer._to_message(None, numbered(2)[1])
            assert (message.topic, message.partition, message.offset) == ("transactions", 3, 5)
            consumer.track_message(message)
            assert [consumer.ack(message), consumer.ack(message)] == [True, False]
            assert message not in consumer.unacked
            consumer.refuse(message)
        assert "refused" not in world.poller.happened

    asyncio.run(work())
