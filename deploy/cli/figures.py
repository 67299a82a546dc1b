"""How benchmarks speak: figures, and beside them the machine that they were taken on."""

import sys
from collections.abc import Callable
from typing import Any

from deploy.cli.terminal import print_json, print_table, reporting
from deploy.stack.report import Report

MACHINE = "machine"


def measured(run: Callable[[Report], dict[str, Any]]) -> dict[str, Any]:
    """What a benchmark found, and under "machine" where and beside what."""
    from deploy.jobs.bench_machine import with_machine

    with reporting() as report:
        return with_machine(lambda: run(report))


def print_figures(found: dict[str, Any], json: bool) -> None:
    """All of a flat document."""
    if json:
        print_json(found)
        return
    rows = [(name, figure(value)) for name, value in found.items() if name != MACHINE]
    print_table(("FIGURE", "VALUE"), rows, {})
    print_machine(found[MACHINE])


def print_machine(machine: dict[str, Any]) -> None:
    """One line, and another one if others were busy there."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    _told(
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['kernel']}, "
        f"Python {machine['python']}, {versions}; load {machine['load_1m_before']} before, others "
        f"{machine['others_cpu_percent']} % of the CPUs, steal {machine['steal_percent']} %, "
        f"{machine['swapped_mb']} MB swapped"
    )
    if machine["warning"]:
        _told(machine["warning"])


def _told(line: str) -> None:
    # Where the figures are, not on stderr: whoever keeps the ones keeps the others.
    sys.stdout.write(line + "\n")


def figure(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
