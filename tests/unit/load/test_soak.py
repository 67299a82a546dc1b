"""A soak: slots as they are decided, and what is said of memory, latency, CPU and the end."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from load.bench import open_loop, soak
from load.bench.accounts import Use
from load.bench.census import Census, Reading
from load.bench.open_loop import OpenLoop, Record
from load.bench.soak import Slot, Soak, slot_s_of
from load.bench.soak_verdict import Seen, verdicts
from models.errors import Unavailable
from tests.unit.load.benches import Stopwatch
from tests.unit.load.test_latency import Instant, Settled


def endless() -> Iterator[Record]:
    while True:
        yield b"anna", b"{}"


def run(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    stalled_s: tuple[float, float] = (0, 0),
    check: Callable[[], None] = lambda: None,
) -> Soak:
    stopwatch = Stopwatch()
    producer = Instant(stopwatch, stalled_s)
    for module in (soak, open_loop):
        monkeypatch.setattr(module, "time", stopwatch)
    monkeypatch.setattr(open_loop, "Producer", producer)
    commits: Any = Settled(producer)
    monkeypatch.setattr(soak, "forget", lambda commits, places: None)
    told: list[Slot] = []
    found = Soak(rate=100.0, slot_s=slot_s_of(seconds), tell=told.append)
    found.run(OpenLoop({}, "transactions"), commits, endless(), seconds, check)
    assert told == found.slots
    return found


def test_all_of_a_soak_is_measured_slot_by_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, seconds=120)
    assert [slot.due_s for slot in found.slots] == pytest.approx([10.0 * number for number in range(12)])
    assert found.transactions == 12_000
    assert found.slots[5].p99_ms == pytest.approx(4, abs=0.1)


def test_a_stall_is_in_the_slots_that_it_met(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, seconds=120, stalled_s=(1045.0, 1046.0))
    slow = [number for number, slot in enumerate(found.slots) if slot.p99_ms > 100]
    assert slow == [4]


def test_a_worker_that_has_ended_ends_the_soak(monkeypatch: pytest.MonkeyPatch) -> None:
    def check() -> None:
        raise Unavailable("the worker has ended")

    with pytest.raises(Unavailable, match="has ended"):
        run(monkeypatch, seconds=120, check=check)


def test_a_short_soak_has_shorter_slots() -> None:
    assert (slot_s_of(3600), slot_s_of(60)) == (10.0, 5.0)


# What was seen.


def seen(memory_mb: Sequence[float], p99_ms: Sequence[float], pids: Sequence[int] = ()) -> Seen:
    """An hour, read and told every minute: one worker, and what generates."""
    found = Soak(rate=100.0, slot_s=60.0, tell=lambda slot: None, began=0.0)
    found.slots = [Slot(60.0 * number, np.full(600, each, np.float32)) for number, each in enumerate(p99_ms)]
    readings: list[Reading] = [
        (
            60.0 * number,
            {
                "worker": Use(pids[number] if pids else 7, 30.0 * number, each),
                "generator": Use(1, 6.0 * number, 10.0 * number),
            },
        )
        for number, each in enumerate(memory_mb)
    ]
    return Seen(found, readings)


LEVEL = [300.0, 301.0] * 30


def judged(found: Seen, **more: Any) -> dict[str, tuple[bool, str]]:
    whole: dict[str, Any] = {**found.document(), "reconcile": {"findings": 0}, "faults": None}
    return verdicts({**whole, "ended_early": None, **more})


def test_level_memory_and_latency_are_flat() -> None:
    found = judged(seen(LEVEL, [20.0, 21.0] * 30))
    assert {name: passed for name, (passed, _) in found.items()} == {
        "memory": True,
        "latency": True,
        "reconcile": True,
    }
    assert found["memory"][1].startswith("flat: worker 300.5 MB, ")


def test_a_process_that_grows_is_named_with_its_slope() -> None:
    passed, says = judged(seen([300.0 + number for number in range(60)], [20.0] * 60))["memory"]
    assert not passed
    assert "worker 344.5 MB, +60.0 ± 0.0 an hour (grows)" in says


def test_what_generates_may_grow() -> None:
    assert "generator" not in seen(LEVEL, [20.0] * 60).document()["memory"]


def test_latency_that_grows_is_not_flat() -> None:
    passed, says = judged(seen(LEVEL, [20.0 + number for number in range(60)]))["latency"]
    assert not passed
    assert "+60.0" in says


def test_a_process_that_was_started_again_is_told() -> None:
    passed, says = judged(seen(LEVEL, [20.0] * 60, pids=[7] * 40 + [8] * 20))["memory"]
    assert not passed
    assert says.endswith("; started again: worker")


def test_too_short_a_run_says_so_and_does_not_pass() -> None:
    found = judged(seen(LEVEL[:3], [20.0] * 3))
    assert found["memory"] == (False, "not known: worker too short to say")
    assert found["latency"] == (False, "not known: p99 too short to say")


def test_findings_faults_and_an_early_end_are_told() -> None:
    faults = {"faults": 40, "kinds": 27, "seed": 7, "lost": 1, "doubled": 0, "findings": 0, "clean": False}
    found = judged(
        seen(LEVEL, [20.0] * 60), reconcile={"findings": 2}, faults=faults, ended_early="interrupted"
    )
    assert found["reconcile"] == (False, "2 findings")
    assert found["faults"] == (False, "40 of 27 kinds by seed 7: 1 lost, 0 doubled, 0 findings")
    assert found["run"] == (False, "ended early: interrupted")


def test_cpu_is_told_for_each_transaction_and_in_cores() -> None:
    cpu = seen(LEVEL, [20.0] * 60).document()["cpu"]
    assert cpu == {
        "worker": {"cores": 0.5, "us_per_tx": 5000.0},
        "generator": {"cores": 0.1, "us_per_tx": 1000.0},
    }


def test_each_minute_has_its_latency_and_memory() -> None:
    minutes = seen(LEVEL, [20.0, 40.0] * 30).document()["minutes"]
    assert len(minutes) == 60
    assert minutes[1] == {
        "minute": 2,
        "p50_ms": 40.0,
        "p99_ms": 40.0,
        "max_ms": 40.0,
        "memory_mb": {"worker": 300.0, "generator": 20.0},
    }


def test_an_end_before_anything_was_seen_is_no_failure() -> None:
    document = Seen(Soak(100.0, 10.0, lambda slot: None), []).document()
    assert (document["minutes"], document["memory"], document["latency"]) == ([], {}, {"flat": None})


def test_a_census_tells_at_its_end_what_went_wrong() -> None:
    answers: Iterator[Any] = iter([{}])

    def read() -> Any:
        try:
            return next(answers)
        except StopIteration:
            raise ValueError("cannot read") from None

    with pytest.raises(ValueError, match="cannot read"), Census(read, every_s=0.001) as census:
        census._thread.join(10)
    assert len(census.readings) == 1
