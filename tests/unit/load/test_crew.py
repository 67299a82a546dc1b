"""A crew of workers, and whether Kafka has given each its share."""

from collections.abc import Mapping
from typing import Any

import pytest

from load.bench import crew as crew_module
from load.bench.crew import SETTLED_WITHIN_S, Crew, Group, shared_out
from load.bench.turns import turns
from models.errors import Unavailable
from tests.unit.load.benches import Stopwatch


class Worker:
    def __init__(self, slot: int, story: list[str], stubborn: bool = False) -> None:
        self.slot, self.story, self.stubborn = slot, story, stubborn

    def start(self) -> None:
        self.story.append(f"start {self.slot}")

    def stop(self) -> int:
        self.story.append(f"stop {self.slot}")
        if self.stubborn:
            raise TimeoutError
        return 0

    def check(self) -> None:
        if self.stubborn:
            raise Unavailable("the worker has ended")

    def process(self) -> "Worker":
        return self

    def suspend(self) -> None:
        self.story.append(f"suspend {self.slot}")

    def resume(self) -> None:
        self.story.append(f"resume {self.slot}")

    def rss_mb(self) -> float:
        return 100.0


def crew_of(story: list[str], stubborn: bool = False) -> Crew:
    workers: Any = [Worker(0, story), Worker(1, story, stubborn)]
    return Crew(workers)


class Coordinator(Group):
    """Tells these shares, one after the other, then the last again."""

    def __init__(self, *told: Mapping[str, int]) -> None:
        self.told = list(told)

    def shares(self) -> Mapping[str, int]:
        return self.told.pop(0) if len(self.told) > 1 else self.told[0]


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    made = Stopwatch()
    monkeypatch.setattr(crew_module, "time", made)
    return made


@pytest.mark.parametrize(
    ("shares", "members", "fair"),
    [
        ({"a": 8}, 1, True),
        ({"a": 4, "b": 4}, 2, True),
        ({"a": 3, "b": 3, "c": 2}, 3, True),
        ({}, 1, False),
        ({"a": 8, "b": 0}, 2, False),
        ({"a": 4, "b": 4}, 1, False),
        ({"a": 4, "b": 3}, 2, False),
    ],
)
def test_partitions_are_shared_out_when_all_are_taken_and_nobody_has_two_more(
    shares: dict[str, int], members: int, fair: bool
) -> None:
    assert shared_out(shares, members, partitions=8) is fair


def test_a_crew_is_waited_for_until_each_has_its_share(stopwatch: Stopwatch) -> None:
    Coordinator({}, {"a": 8}, {"a": 4, "b": 4}).settle(crew_of([]), partitions=8)
    assert stopwatch.now_s == pytest.approx(1000.4)


def test_a_crew_that_never_shares_is_told(stopwatch: Stopwatch) -> None:
    with pytest.raises(Unavailable, match="2 workers have not shared out"):
        Coordinator({"a": 8}).settle(crew_of([]), partitions=8)
    assert stopwatch.now_s == pytest.approx(1000 + SETTLED_WITHIN_S, abs=1)


def test_a_worker_that_ends_meanwhile_is_told_at_once(stopwatch: Stopwatch) -> None:
    with pytest.raises(Unavailable, match="the worker has ended"):
        Coordinator({"a": 8}).settle(crew_of([], stubborn=True), partitions=8)
    assert stopwatch.now_s == 1000


def test_one_that_does_not_stop_keeps_nobody_from_being_stopped() -> None:
    story: list[str] = []
    with pytest.raises(TimeoutError):
        crew_of(story, stubborn=True).stop()
    assert sorted(story) == ["stop 0", "stop 1"]


def test_workers_hold_still_while_their_backlog_is_produced(stopwatch: Stopwatch) -> None:
    story: list[str] = []
    with crew_of(story).held(at_most_s=10):
        story.append("push")
        stopwatch.sleep(9)
    assert story == ["suspend 0", "suspend 1", "push", "resume 0", "resume 1"]


def test_workers_that_were_held_for_so_long_that_kafka_gave_up_on_them_are_not_measured(
    stopwatch: Stopwatch,
) -> None:
    story: list[str] = []
    with pytest.raises(Unavailable, match="Next: measure fewer transactions"), crew_of(story).held(10):
        stopwatch.sleep(11)
    assert story[-1] == "resume 1"


def test_what_is_compared_takes_turns_there_and_back() -> None:
    assert turns([1, 2, 4], 3) == [1, 2, 4, 4, 2, 1, 1, 2, 4]
