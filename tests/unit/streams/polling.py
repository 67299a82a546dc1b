"""A poller over a scripted consumer, in virtual time, on one thread, and a worker for its sweeps."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from streams import mailbox
from streams import poller as poller_module
from streams.arrivals import Sweep
from streams.offsets import Place
from streams.poller import Pace, Poller
from tests.builders import TOPIC_IDS
from tests.unit.streams.scripted_kafka import ScriptedConsumer
from tests.unit.streams.virtual_time import Clock, Commands

T0: Place = ("transactions", 0)
T1: Place = ("transactions", 1)
L0: Place = ("labels", 0)


class Inline:
    """`threading.Thread` that runs where it is started."""

    def __init__(self, target: Callable[[], None], name: str, daemon: bool) -> None:
        self.start = target

    def join(self, timeout_s: float) -> None:
        return


class Polling:
    """One poller's world. By default a sweep is handled at once, without alerts.

    work_s: how long handling takes. out_s: how long what goes out waits after that. handle: what is done with
    a sweep, in place of that.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.kafka = ScriptedConsumer(self.clock)
        self.topic_ids = dict(TOPIC_IDS)
        self.progress: dict[tuple[str, int], int] = {}
        self.max_records = 2048
        self.lanes = 1
        self.work_s = self.out_s = 0.0
        self.forgotten: Callable[[], None] = lambda: None
        self.handle: Callable[[Sweep], None] = self.done_plainly
        self.sweeps: list[Sweep] = []
        self.delivered_s: list[float] = []
        self.owned: list[frozenset[Place]] = []
        self.lags: list[Mapping[Place, int]] = []
        self.held: list[Mapping[Place, int]] = []
        self.failures: list[BaseException] = []
        self.heard: Callable[[Mapping[Place, int]], None] = self.lags.append
        self.config: Any = None
        monkeypatch.setattr(poller_module, "monotonic", self.clock)
        monkeypatch.setattr(poller_module, "Thread", Inline)
        monkeypatch.setattr(mailbox, "SimpleQueue", lambda: Commands(self.clock))
        monkeypatch.setattr(poller_module, "Consumer", self._consumer)
        self.poller: Poller

    def run(self, for_s: float = 1.0) -> None:
        """Poll for so long, then stop; raises what ended the poller, as that would end the process."""
        self.poller = self._poller()
        self.clock.after(for_s, lambda: self.poller.stop(0))
        self.poller.start(self._deliver, self.owned.append)
        if self.failures:
            assert len(self.failures) == 1
            raise self.failures[0]

    def sizes(self) -> list[int]:
        return [len(sweep) for sweep in self.sweeps]

    def done_plainly(self, sweep: Sweep) -> None:
        """As a sweep without alerts ends: its offsets may be committed later."""

        def done() -> None:
            self.settle(sweep)
            self.poller.later(offsets_of(sweep))
            self.poller.finished(sweep.lane)

        self.clock.after(self.work_s, done)

    def done_in_a_transaction(self, sweep: Sweep) -> None:
        """As a sweep with alerts ends: its offsets are committed together with them."""

        def done() -> None:
            self.settle(sweep)
            self.kafka.committed_offsets.update(offsets_of(sweep))
            self.kafka.happened.append(("transaction", offsets_of(sweep)))
            self.poller.done(offsets_of(sweep))
            self.poller.finished(sweep.lane)

        self.clock.after(self.work_s, done)

    def done_with_alerts_to_go_out(self, sweep: Sweep) -> None:
        """As a sweep with alerts ends: they wait, and the sweep is done."""
        self._goes_out(sweep, self._in_a_transaction)

    def done_behind_others_and_passed_on(self, sweep: Sweep) -> None:
        """As a sweep without alerts that others have waited before."""
        self._goes_out(sweep, lambda offsets: self.poller.later(offsets))

    def refused_to_go_out(self, sweep: Sweep) -> None:
        self._goes_out(sweep, self._refuse)

    def _refuse(self, offsets: Mapping[Place, int]) -> None:
        self.poller.refused(None)

    def _in_a_transaction(self, offsets: Mapping[Place, int]) -> None:
        self.kafka.committed_offsets.update(offsets)
        self.kafka.happened.append(("transaction", offsets))
        self.poller.done(offsets)

    def _goes_out(self, sweep: Sweep, end: Callable[[Mapping[Place, int]], None]) -> None:
        offsets = offsets_of(sweep)

        def out() -> None:
            if end == self._refuse:
                self.poller.through(offsets)
                end(offsets)
            else:
                end(offsets)
                self.poller.through(offsets)

        def done() -> None:
            self.settle(sweep)
            self.poller.waits(offsets)
            self.poller.finished(sweep.lane)
            self.clock.after(self.out_s, out)

        self.clock.after(self.work_s, done)

    def settle(self, sweep: Sweep) -> None:
        """As the ledger does."""
        for (_, number), offset in offsets_of(sweep).items():
            known = self.progress.get((sweep.topic_id, number), 0)
            self.progress[sweep.topic_id, number] = max(offset, known)

    def _poller(self) -> Poller:
        return Poller(
            lambda: {"group.id": "fraudml"},
            topic_ids=lambda: dict(self.topic_ids),
            progress=self._progress,
            failed=self.failures.append,
            lag=self._heard,
            forgotten=lambda: self.forgotten(),
            pace=Pace(self.max_records, 1.0, timeout_s=10.0, settle_timeout_s=24.0, lanes=self.lanes),
        )

    def _heard(self, lags: Mapping[Place, int], held: Mapping[Place, int]) -> None:
        self.held.append(held)
        self.heard(lags)

    def _consumer(self, config: Any) -> ScriptedConsumer:
        self.config = config
        return self.kafka

    def _progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        return {number: self.progress.get((topic_id, number), 0) for number in numbers}

    def _deliver(self, sweep: Sweep) -> None:
        self.kafka.happened.append(("deliver", offsets_of(sweep)))
        self.sweeps.append(sweep)
        self.delivered_s.append(self.clock.now_s)
        self.handle(sweep)


def offsets_of(sweep: Sweep) -> dict[Place, int]:
    return {(sweep.topic, number): offset for number, offset in sweep.reached().items()}
