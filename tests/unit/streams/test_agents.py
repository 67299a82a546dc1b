"""What becomes of a sweep when a dependency is away, when it is refused, and when it fails."""

import random
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import tenacity
from prometheus_client import CollectorRegistry

from models.errors import (
    AssignmentLost,
    Halt,
    LedgerUnavailable,
    OutcomeUnknown,
    ProgressMoved,
    ViewUnavailable,
)
from streams.agents import SweepRunner
from streams.arrivals import Sweep
from streams.insistence import LONGEST_WAIT_S, Insistence
from streams.metrics import Metrics
from streams.watchdog import EXIT_UNAVAILABLE, Watchdog, exit_code_of
from tests.builders import label, sweep_of, transaction
from tests.unit.streams.virtual_time import Clock, Stop

GIVE_UP_S = 300.0
SWEEP = sweep_of(transaction("a"))


class Attempts:
    """Handles sweeps: fails as told, then succeeds. Notes when it was tried."""

    def __init__(self, clock: Clock, *failures: Exception) -> None:
        self._clock = clock
        self.failures = list(failures)
        self.at_s: list[float] = []
        self.sweeps: list[Sweep] = []

    def __call__(self, sweep: Sweep) -> None:
        self.at_s.append(self._clock.now_s)
        self.sweeps.append(sweep)
        if self.failures:
            raise self.failures.pop(0)


class Runs:
    """A runner in virtual time."""

    def __init__(self, *failures: Exception) -> None:
        self.clock = Clock()
        self.stop = Stop(self.clock)
        self.watchdog = Watchdog(30.0, lambda: None, clock=self.clock)
        self.metrics = Metrics(CollectorRegistry())
        self.finished: list[float] = []
        self.transactions = Attempts(self.clock, *failures)
        self.labels = Attempts(self.clock)
        self.runner = SweepRunner(
            {"transactions": self.transactions, "labels": self.labels},
            insist=Insistence(
                metrics=self.metrics,
                watchdog=self.watchdog,
                stop=self.stop,
                give_up_s=GIVE_UP_S,
                lane=0,
                what="sweep",
            ),
            finished=lambda: self.finished.append(self.clock.now_s),
        )

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runs]:
    def make(*failures: Exception) -> Runs:
        found = Runs(*failures)
        monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=found.clock))
        random.seed(7)
        return found

    return make


def away(times: int) -> list[Exception]:
    return [LedgerUnavailable("Postgres failed") for _ in range(times)]


def test_each_topic_has_its_own_handler(runs: Callable[..., Runs]) -> None:
    world = runs()
    assert world.runner.run(SWEEP)
    assert world.runner.run(sweep_of(label("a"), topic="labels"))
    assert ([len(s) for s in world.transactions.sweeps], len(world.labels.sweeps)) == ([1], 1)
    assert len(world.finished) == 2


def test_a_sweep_waits_for_a_dependency_and_is_handled_again_whole(runs: Callable[..., Runs]) -> None:
    world = runs(*away(8))
    assert world.runner.run(SWEEP)
    assert world.transactions.sweeps == [SWEEP] * 9
    assert world.finished == [world.transactions.at_s[-1]]
    assert world.metric("fraud_dependency_errors_total", dependency="ledger_unavailable") == 8


def test_the_waits_grow_up_to_a_cap_and_no_two_workers_keep_step(runs: Callable[..., Runs]) -> None:
    waits: list[list[float]] = []
    for _ in range(2):
        world = runs(*away(14))
        random.seed(len(waits))
        world.runner.run(SWEEP)
        waits.append(world.stop.waits_s)
    first, second = waits
    assert max(first + second) == LONGEST_WAIT_S
    assert sum(first[:4]) < sum(first[4:8]) < sum(first[8:12])
    assert all(a != b for a, b in zip(first[:6], second[:6], strict=True))


def test_degraded_mode_shows_while_a_dependency_is_away(runs: Callable[..., Runs]) -> None:
    world = runs(*away(6))
    seen: list[float] = []
    world.clock.after(0.5, lambda: seen.append(world.metric("fraud_degraded_mode")))
    world.runner.run(SWEEP)
    assert seen == [1.0]
    assert world.metric("fraud_degraded_mode") == 0.0


def test_degraded_mode_ends_when_the_sweep_is_refused_after_all(runs: Callable[..., Runs]) -> None:
    """The dependency is back, and no further sweep may come for long."""
    world = runs(*away(2), ProgressMoved("settled by another worker"))
    assert not world.runner.run(SWEEP)
    assert world.metric("fraud_degraded_mode") == 0.0


def test_every_failed_attempt_tells_the_watchdog_that_we_live(runs: Callable[..., Runs]) -> None:
    world = runs(*away(40))
    stuck: list[bool] = []

    def probe() -> None:
        world.watchdog.heard(10)
        stuck.append(world.watchdog.is_stuck())
        world.clock.after(1.0, probe)

    probe()
    world.runner.run(SWEEP)
    assert len(stuck) > 60
    assert not any(stuck)


def test_after_five_minutes_a_worker_gives_up_and_ends_for_its_supervisor(runs: Callable[..., Runs]) -> None:
    world = runs(*away(1000))
    with pytest.raises(LedgerUnavailable) as given_up:
        world.runner.run(SWEEP)
    assert GIVE_UP_S <= world.clock.now_s <= GIVE_UP_S + LONGEST_WAIT_S
    assert exit_code_of(given_up.value) == EXIT_UNAVAILABLE
    assert world.finished == []


def test_the_five_minutes_begin_anew_with_every_sweep(runs: Callable[..., Runs]) -> None:
    world = runs(*away(30))
    assert world.runner.run(SWEEP)
    world.clock.wait(2 * GIVE_UP_S)
    world.transactions.failures += away(30)
    assert world.runner.run(SWEEP)


def test_dependencies_that_fail_in_turn_are_waited_for_together(runs: Callable[..., Runs]) -> None:
    world = runs(*(failure for _ in range(500) for failure in (*away(1), ViewUnavailable("Redis failed"))))
    with pytest.raises((LedgerUnavailable, ViewUnavailable)):
        world.runner.run(SWEEP)
    assert world.clock.now_s <= GIVE_UP_S + LONGEST_WAIT_S


def test_a_worker_told_to_stop_waits_no_longer(runs: Callable[..., Runs]) -> None:
    world = runs(*away(1000))
    world.clock.after(10.0, world.stop.set)
    assert not world.runner.run(SWEEP)
    assert world.clock.now_s == 10.0
    assert world.finished == []


@pytest.mark.parametrize("refusal", [ProgressMoved("moved"), AssignmentLost("lost")], ids=lambda r: r.code)
@pytest.mark.parametrize("failures", [0, 3], ids=["at once", "after a wait"])
def test_a_refused_sweep_is_dropped_not_tried_again(
    runs: Callable[..., Runs], refusal: Exception, failures: int
) -> None:
    world = runs(*away(failures), refusal)
    assert not world.runner.run(SWEEP)
    assert len(world.transactions.at_s) == failures + 1
    assert world.finished == []
    assert world.metric("fraud_sweeps_refused_total", reason=getattr(refusal, "code", "")) == 1


@pytest.mark.parametrize("error", [OutcomeUnknown("no answer"), Halt("stop"), ZeroDivisionError()], ids=repr)
@pytest.mark.parametrize("failures", [0, 3], ids=["at once", "after a wait"])
def test_what_waiting_cannot_mend_is_raised_at_once(
    runs: Callable[..., Runs], error: Exception, failures: int
) -> None:
    world = runs(*away(failures), error)
    with pytest.raises(type(error)):
        world.runner.run(SWEEP)
    assert len(world.transactions.at_s) == failures + 1
    assert world.finished == []


def test_a_refused_or_failed_sweep_counts_as_a_sign_of_life(runs: Callable[..., Runs]) -> None:
    world = runs(ProgressMoved("moved"))
    world.watchdog.heard(5)
    for _ in range(29):
        world.clock.wait(1.0)
        world.watchdog.heard(5)
    world.runner.run(SWEEP)
    world.clock.wait(2.0)
    world.watchdog.heard(5)
    assert not world.watchdog.is_stuck()
