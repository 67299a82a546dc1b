"""Faust's agents: each receives sweeps, has them handled in their lanes, and acknowledges them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import faust

from streams.arrivals import Sweep
from streams.insistence import Insistence
from streams.spans import UNCOLLECTED, Spans
from streams.tracing import log_traces

Handle = Callable[[Sweep], None]
Crash = Callable[[BaseException], None]


class SweepRunner:
    """Handles the sweeps of a lane one after the other; waits while a dependency is away.

    finished: called as soon as a sweep is done, so that the next one is read while Faust still takes note of
    this one. spans: of traced records.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handle],
        *,
        insist: Insistence,
        finished: Callable[[], None] = lambda: None,
        spans: Spans = UNCOLLECTED,
    ) -> None:
        self._handlers = handlers
        self._insist = insist
        self._finished = finished
        self._spans = spans

    def run(self, sweep: Sweep) -> bool:
        """Whether the sweep is done; if not, its records must be read again.

        Raises:
            Unavailable: a dependency stayed away for too long.
            Halt: going on would break the promise.
        """
        began_ns = self._spans.now_ns()
        if not self._insist(self._handlers[sweep.topic], sweep):
            return False
        self._finished()
        log_traces(sweep)
        self._spans.swept(sweep, began_ns)
        return True


class Lane(NamedTuple):
    """Where sweeps are handled, one at a time: thread has one thread only."""

    runner: SweepRunner
    thread: Executor


def register(app: faust.App, lanes: Sequence[Lane], topics: list[str], crash: Crash) -> None:
    """One agent per topic."""
    for topic in topics:
        channel = app.topic(topic, key_serializer="raw", value_serializer="raw", internal=False)
        app.agent(channel, name=f"decide_{topic}", concurrency=1)(_agent(app, lanes, crash))


def _agent(app: faust.App, lanes: Sequence[Lane], crash: Crash) -> Callable[[Any], Any]:
    under_way: set[asyncio.Task[None]] = set()

    async def handle(event: Any) -> None:
        runner, thread = lanes[event.value.lane]
        try:
            done = await asyncio.get_running_loop().run_in_executor(thread, runner.run, event.value)
        except Exception as error:
            # Going on past a failed sweep would lose it: the supervisor starts us again from the log.
            crash(error)
            return
        if done:
            event.ack()
        else:
            app.consumer.refuse(event.message)

    async def agent(stream: Any) -> None:
        # As many at once as there are lanes: the poller hands over no more.
        async for event in stream.noack().events():
            task = asyncio.create_task(handle(event))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    return agent
