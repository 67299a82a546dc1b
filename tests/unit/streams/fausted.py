"""Faust itself, running our agents on our transport; the poller's side is played by the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

from mode.supervisors import CrashingSupervisor

from streams.agents import Lane, register
from streams.app import WorkerApp
from streams.arrivals import Sweep
from streams.offsets import Place
from streams.transport import SweepTransport

TOPICS = ["transactions", "labels"]
OWNED: frozenset[Place] = frozenset({("transactions", 0), ("transactions", 3), ("labels", 0)})
# Far longer than anything here takes: only a failure waits for it.
PATIENCE_S = 20.0


class PlayedPoller:
    """The poller, as the transport knows it: on a thread of its own it assigns, then delivers."""

    def __init__(self, sweeps: list[Sweep]) -> None:
        self._sweeps = sweeps
        self.happened: list[str] = []
        self._thread = Thread()

    def start(self, deliver: Callable[[Sweep], None], assigned: Callable[[frozenset[Place]], None]) -> None:
        self._thread = Thread(target=self._run, args=(deliver, assigned))
        self._thread.start()

    def _run(self, deliver: Callable[[Sweep], None], assigned: Callable[[frozenset[Place]], None]) -> None:
        assigned(OWNED)
        self.happened.append("assigned")
        for sweep in self._sweeps:
            deliver(sweep)

    def refused(self, lane: int) -> None:
        self.happened.append("refused")

    def stop(self, timeout_s: float) -> None:
        self.happened.append("stopped")
        self._thread.join(timeout_s)


class Runner:
    """`SweepRunner`, as the agents know it: notes the sweeps, and does with each what the test says."""

    def __init__(self, expected: int, handle: Callable[[Sweep], bool] = lambda sweep: True) -> None:
        self.seen: list[Sweep] = []
        self.all_seen = Event()
        self._expected = expected
        self._handle = handle

    def run(self, sweep: Sweep) -> bool:
        self.seen.append(sweep)
        if len(self.seen) == self._expected:
            self.all_seen.set()
        return self._handle(sweep)


class LaneParts(NamedTuple):
    lane: Lane


class Parts:
    """`streams.app.Parts`, as the app knows it; connects to nothing."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.lanes = [LaneParts(Lane(None, self.thread))]  # type: ignore[arg-type]
        self.stop = Event()
        self.drained = False

    def drain(self) -> None:
        self.drained = True

    def open(self) -> None:
        return

    def close(self) -> None:
        self.thread.shutdown(wait=False)


class Fausted:
    """A worker's app over a played poller and runner."""

    def __init__(self, datadir: Path, runner: Runner, sweeps: list[Sweep]) -> None:
        self.runner = runner
        self.crashes: list[BaseException] = []
        self.crashed = Event()
        self.poller = PlayedPoller(sweeps)
        app = WorkerApp(
            "fraudml",
            broker="kafka://127.0.0.1:1",
            store="memory://",
            autodiscover=False,
            topic_disable_leader=True,
            topic_allow_declare=False,
            stream_wait_empty=True,
            agent_supervisor=CrashingSupervisor,
            datadir=datadir,
            web_enabled=False,
            loop=asyncio.get_running_loop(),
        )
        parts: Any = Parts()
        app.parts = parts
        poller: Any = self.poller
        app.transport = SweepTransport(app, poller)
        register(app, [Lane(runner, parts.thread)], TOPICS, self._crash)  # type: ignore[arg-type]
        self.app: Any = app

    def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)
        self.crashed.set()

    async def until(self, event: Event) -> None:
        loop = asyncio.get_running_loop()
        assert await loop.run_in_executor(None, event.wait, PATIENCE_S), "it did not happen"


@asynccontextmanager
async def fausted(datadir: Path, runner: Runner, *sweeps: Sweep) -> AsyncIterator[Fausted]:
    """Faust, started; stopped at the end, if the test has not done so."""
    world = Fausted(datadir, runner, list(sweeps))
    world.app.finalize()
    await asyncio.wait_for(world.app.start(), PATIENCE_S)
    try:
        yield world
    finally:
        if not world.app.should_stop:
            await world.app.stop()
