"""The machine that a figure was taken on, and what else went on there meanwhile."""

import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psutil

# Beyond these a figure says more about the others than about us.
OTHERS_PERCENT = 10.0
LOAD_PER_CORE = 0.5
STEAL_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class Hardware:
    """versions: of the stores and libraries that take part, by name."""

    cpu: str
    cores: int
    memory_gb: float
    kernel: str
    python: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """at_s: any clock of seconds. busy_s, stolen_s: CPU seconds of all cores since the start of the machine;
    stolen is what a hypervisor gave to others. swapped_bytes: read from and written to disk since then.
    ours_s: CPU seconds of the processes that are measured, and of those that measure.
    """

    at_s: float
    load_1m: float
    busy_s: float
    stolen_s: float
    swapped_bytes: int
    ours_s: float


def moment_now(ours_s: float) -> Moment:
    times, swap = psutil.cpu_times(), psutil.swap_memory()
    # Not every system tells all of these.
    told = {name: float(getattr(times, name, 0.0)) for name in ("nice", "irq", "softirq", "steal")}
    busy_s = times.user + times.system + told["nice"] + told["irq"] + told["softirq"]
    load_1m, *_ = os.getloadavg()
    return Moment(time.monotonic(), load_1m, busy_s, told["steal"], swap.sin + swap.sout, ours_s)


def is_quiet(cores: int) -> bool:
    """Whether what begins now goes without a word on the load before it."""
    load_1m, *_ = os.getloadavg()
    return not _is_loaded(load_1m, cores)


def _is_loaded(load_1m: float, cores: int) -> bool:
    return round(load_1m, 2) > LOAD_PER_CORE * cores


def notes(hardware: Hardware, at: datetime, before: Moment, after: Moment) -> dict[str, Any]:
    """Shares are in percent of all cores. warning: one line if others had much of the machine, or None."""
    room_s = (after.at_s - before.at_s) * hardware.cores
    others_s = (after.busy_s - before.busy_s) - (after.ours_s - before.ours_s)
    found = {
        "at": at.isoformat(timespec="seconds"),
        "load_1m_before": round(before.load_1m, 2),
        "others_cpu_percent": round(max(0.0, others_s) / room_s * 100, 1),
        "steal_percent": round((after.stolen_s - before.stolen_s) / room_s * 100, 1),
        "swapped_mb": round((after.swapped_bytes - before.swapped_bytes) / 1e6, 1),
    }
    return {**asdict(hardware), **found, "warning": _warning(hardware.cores, found)}


def _warning(cores: int, found: Mapping[str, Any]) -> str | None:
    reasons = []
    if found["others_cpu_percent"] > OTHERS_PERCENT:
        reasons.append(f"others used {found['others_cpu_percent']:.0f} % of its CPUs")
    if _is_loaded(found["load_1m_before"], cores):
        reasons.append(f"its load was {found['load_1m_before']:.1f} before the start")
    if found["steal_percent"] > STEAL_PERCENT:
        reasons.append(f"its host took {found['steal_percent']:.0f} % of its CPUs away")
    if found["swapped_mb"] > 0:
        reasons.append(f"it swapped {found['swapped_mb']:,.0f} MB")
    if not reasons:
        return None
    return f"this machine was busy: {', '.join(reasons)}; figures of a quiet one differ"
