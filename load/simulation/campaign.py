"""Many seeds: played one by one, or on all cores."""

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from load.simulation.disasters import Disasters
from load.simulation.guards import GUARDS
from load.simulation.plan import NO_AIM, Aim
from load.simulation.promise import Violation, broken_promises
from load.simulation.schedule import Schedule

SEEDS_AT_ONCE = 10


@dataclass(frozen=True)
class Outcome:
    """What became of one seed. timeline: of a seed that broke something, or was played alone."""

    seed: int
    violations: list[Violation] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)


@dataclass
class Campaign:
    """What became of many seeds. failures: by seed. timeline: where there was one seed only."""

    seeds: int
    without: str | None = None
    failures: list[Outcome] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        return sum(len(outcome.violations) for outcome in self.failures)

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "seeds": self.seeds,
            "violations": self.violations,
            "first_failing_seed": self.failures[0].seed if self.failures else None,
        }
        return found | ({"without": self.without} if self.without else {})


@contextmanager
def silence() -> Iterator[None]:
    """The pipeline warns of every fault that it survives; here that is all it meets."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def play(seed: int, aim: Aim = NO_AIM) -> Outcome:
    """Play one seed to its end, and check the promise."""
    disasters = Disasters()
    schedule = Schedule(seed, aim)
    with silence():
        schedule.play(disasters.strike, disasters.repair)
    lines = [f"{step:5d}  {who:8s}  {what}" for step, who, what in schedule.notes.lines]
    return Outcome(seed, broken_promises(schedule), lines)


def play_without(seed: int, guard: str | None) -> Outcome:
    """Play one seed with a guard taken away, on a schedule aimed at what it guards against."""
    if guard is None:
        return play(seed)
    with GUARDS[guard].removed():
        return play(seed, GUARDS[guard].aim)


def run_campaign(
    first_seed: int, seeds: int, without: str | None, played: Callable[[], None] = lambda: None
) -> Campaign:
    """Play seeds on all cores; a seed gives the same wherever it is played."""
    campaign = Campaign(seeds, without)
    if seeds == 1:
        outcome = play_without(first_seed, without)
        campaign.timeline = outcome.timeline
        campaign.failures += [outcome] if outcome.violations else []
        return campaign
    last = first_seed + seeds
    shares = [(start, min(start + SEEDS_AT_ONCE, last)) for start in range(first_seed, last, SEEDS_AT_ONCE)]
    for outcomes in _played(shares, without):
        for outcome in outcomes:
            played()
            campaign.failures += [outcome] if outcome.violations else []
    campaign.failures.sort(key=lambda outcome: outcome.seed)
    return campaign


def _played(shares: Sequence[tuple[int, int]], without: str | None) -> Iterator[list[Outcome]]:
    """Shares as they are done, on all cores; an interrupt ends those that wait."""
    futures: list[Future[list[Outcome]]] = []
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(shares))) as pool:
        try:
            with _interrupts_for_the_parent_alone():
                futures += [pool.submit(_play_some, *share, without) for share in shares]
            for future in as_completed(futures):
                yield future.result()
        finally:
            # The pool's own way to cancel them is lost when the pool is forgotten soon after.
            for future in futures:
                future.cancel()


@contextmanager
def _interrupts_for_the_parent_alone() -> Iterator[None]:
    """Processes that start meanwhile never see one; one that comes meanwhile is seen by us at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _play_some(first: int, stop: int, guard: str | None) -> list[Outcome]:
    outcomes = [play_without(seed, guard) for seed in range(first, stop)]
    return [outcome if outcome.violations else Outcome(outcome.seed) for outcome in outcomes]
