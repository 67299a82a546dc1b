"""Notes on the machine: made from two moments, with one line where others were busy; whose CPU is ours."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from load.bench.kin import Alive, Kin
from load.bench.machine import Hardware, Moment, is_quiet, moment_now, notes

TWO_CORES = Hardware("a CPU", 2, 8.0, "Linux 6", "3.11.9", {"kafka": "4.4.0"})
AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
BEFORE = Moment(100.0, load_1m=0.4, busy_s=500.0, stolen_s=10.0, swapped_bytes=7_000_000, ours_s=3.0)


def noted(**after: float) -> dict[str, Any]:
    """After 50 s, of which ours took 60 CPU seconds of 100."""
    values: dict[str, Any] = {
        **{"at_s": 150.0, "load_1m": 2.0, "busy_s": 565.0, "stolen_s": 10.5},
        **{"swapped_bytes": 7_000_000, "ours_s": 63.0},
    }
    return notes(TWO_CORES, AT, BEFORE, Moment(**{**values, **after}))


def test_a_quiet_machine_is_told_without_a_warning() -> None:
    assert noted() == {
        "cpu": "a CPU",
        "cores": 2,
        "memory_gb": 8.0,
        "kernel": "Linux 6",
        "python": "3.11.9",
        "versions": {"kafka": "4.4.0"},
        "at": "2026-11-28T09:00:00+00:00",
        "load_1m_before": 0.4,
        "others_cpu_percent": 5.0,
        "steal_percent": 0.5,
        "swapped_mb": 0.0,
        "warning": None,
    }


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ({"busy_s": 580.0}, "others used 20 % of its CPUs"),
        ({"stolen_s": 20.0}, "its host took 10 % of its CPUs away"),
        ({"swapped_bytes": 9_000_000}, "it swapped 2 MB"),
    ],
)
def test_a_busy_machine_says_why_in_one_line(after: dict[str, float], words: str) -> None:
    assert noted(**after)["warning"] == f"this machine was busy: {words}; figures of a quiet one differ"


def test_load_before_the_start_counts_by_core() -> None:
    busy = Moment(100.0, 1.5, 0.0, 0.0, 0, 0.0)
    after = Moment(150.0, 1.5, 0.0, 0.0, 0, 0.0)
    assert "its load was 1.5 before the start" in notes(TWO_CORES, AT, busy, after)["warning"]


@pytest.mark.parametrize(("load_1m", "quiet"), [(1.0, True), (1.004, True), (1.01, False)])
def test_a_machine_is_quiet_as_long_as_no_figure_would_tell_of_its_load(
    load_1m: float, quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load_1m, 9.0, 9.0))
    assert is_quiet(TWO_CORES.cores) is quiet
    now = moment_now(3.0)
    later = replace(now, at_s=now.at_s + 50.0)
    assert (notes(TWO_CORES, AT, now, later)["warning"] is None) is quiet


def test_others_are_never_less_than_nothing() -> None:
    assert noted(busy_s=550.0)["others_cpu_percent"] == 0.0


def test_the_machine_tells_of_itself() -> None:
    now = moment_now(3.0)
    assert now.busy_s > 0
    assert now.ours_s == 3.0


# Whose CPU is ours.


class Machine:
    """Processes by pid: parent and CPU seconds, with those of children that have ended."""

    def __init__(self, **processes: tuple[int, float]) -> None:
        self.processes = {int(name[1:]): each for name, each in processes.items()}

    def __call__(self) -> list[Alive]:
        return [Alive((pid, 1.0), parent, cpu_s) for pid, (parent, cpu_s) in self.processes.items()]


def test_all_below_a_root_are_ours_and_nobody_else() -> None:
    machine = Machine(p10=(1, 5.0), p11=(10, 2.0), p12=(11, 1.0), p20=(1, 90.0))
    assert Kin(lambda pid: pid == 10, machine).cpu_s() == 8.0


def test_a_child_that_has_ended_is_counted_once() -> None:
    machine = Machine(p10=(1, 5.0), p11=(10, 2.0))
    kin = Kin(lambda pid: pid == 10, machine)
    assert kin.cpu_s() == 7.0
    machine.processes = {10: (1, 5.0)}  # not noticed yet by its parent
    assert kin.cpu_s() == 7.0
    machine.processes = {10: (1, 7.5)}
    assert kin.cpu_s() == 7.5


def test_a_tree_that_has_gone_counts_as_it_was_last_seen() -> None:
    machine = Machine(p10=(1, 5.0), p30=(1, 2.0), p31=(30, 3.0))
    kin = Kin(lambda pid: pid in (10, 30), machine)
    kin.look()
    machine.processes = {10: (1, 6.0)}
    assert kin.cpu_s() == 11.0


def test_a_pid_given_anew_is_judged_anew() -> None:
    roots = {10}
    machine = Machine(p10=(1, 5.0))
    kin = Kin(lambda pid: pid in roots, machine)
    kin.look()
    roots.clear()
    again = Kin(lambda pid: pid in roots, lambda: [Alive((10, 2.0), 1, 50.0)])
    again._judged, again._used_s = kin._judged, kin._used_s
    assert again.cpu_s() == 5.0
