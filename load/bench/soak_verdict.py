"""What a soak has shown: memory and latency minute by minute, whether they stay as they are, CPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from load.bench.accounts import Use
from load.bench.census import Reading
from load.bench.soak import Slot, Soak
from load.bench.trend import Trend, trend

MINUTE_S = 60.0
# Growth of the last half that nobody minds, as a part of the mean: below it a tiny noise would cry wolf.
MEMORY_TOLERATED, LATENCY_TOLERATED = 0.01, 0.05
# It keeps what it has measured.
GENERATOR = "generator"


@dataclass(frozen=True)
class Seen:
    """A soak and the readings beside it."""

    soak: Soak
    readings: Sequence[Reading]

    def document(self) -> dict[str, Any]:
        return {
            "rate": self.soak.rate,
            "transactions": self.soak.transactions,
            "minutes": self._minutes(),
            "latency": _trend_document(self.latency_trend(), LATENCY_TOLERATED),
            "memory": {
                name: _trend_document(each, MEMORY_TOLERATED) for name, each in self.memory_trends().items()
            },
            "cpu": self._cpu(),
            "started_again": self._started_again(),
        }

    def latency_trend(self) -> Trend | None:
        """Of each slot's p99, in ms."""
        slots = self.soak.slots
        return trend([slot.due_s for slot in slots], [slot.p99_ms for slot in slots])

    def memory_trends(self) -> dict[str, Trend | None]:
        """Of each process, in MB."""
        return {name: self._memory_trend(name) for name in self._names() if name != GENERATOR}

    def _memory_trend(self, name: str) -> Trend | None:
        read = [(moment, uses[name].memory_mb) for moment, uses in self.readings if name in uses]
        return trend([moment for moment, _ in read], [mb for _, mb in read])

    def _names(self) -> list[str]:
        return list(self.readings[0][1]) if self.readings else []

    def _started_again(self) -> list[str]:
        """Processes that have not been there all the time."""
        first: Mapping[str, Use] = self.readings[0][1] if self.readings else {}
        return [
            name
            for name, use in first.items()
            if any(name not in uses or uses[name].pid != use.pid for _, uses in self.readings)
        ]

    def _cpu(self) -> dict[str, dict[str, float]]:
        """Of each process, cores; and us for each transaction that was due."""
        if len(self.readings) < 2:
            return {}
        (began, first), (ended, last) = self.readings[0], self.readings[-1]
        used_s = {name: last[name].cpu_s - use.cpu_s for name, use in first.items() if name in last}
        took_s = ended - began
        return {
            name: {
                "cores": round(used / took_s, 3),
                "us_per_tx": round(used / took_s / self.soak.rate * 1e6, 1),
            }
            for name, used in used_s.items()
        }

    def _minutes(self) -> list[dict[str, Any]]:
        slots = self.soak.slots
        numbers = sorted({int(slot.due_s // MINUTE_S) for slot in slots})
        return [
            {
                "minute": number + 1,
                **_percentiles([slot for slot in slots if int(slot.due_s // MINUTE_S) == number]),
                "memory_mb": self._memory_at((number + 1) * MINUTE_S),
            }
            for number in numbers
        ]

    def _memory_at(self, moment_s: float) -> dict[str, float]:
        """As it was last read before that moment."""
        read = [uses for moment, uses in self.readings if moment - self.soak.began <= moment_s]
        return {name: round(use.memory_mb, 1) for name, use in read[-1].items()} if read else {}


def _percentiles(slots: Sequence[Slot]) -> dict[str, float]:
    waited_ms = np.concatenate([slot.waited_ms for slot in slots])
    p50, p99, most = np.percentile(waited_ms, [50, 99, 100]).tolist()
    return {"p50_ms": round(p50, 2), "p99_ms": round(p99, 2), "max_ms": round(most, 2)}


def _trend_document(found: Trend | None, tolerated: float) -> dict[str, Any]:
    """flat: None where there is too little to say so."""
    if found is None:
        return {"flat": None}
    return {**found.document(), "flat": found.flat(tolerated)}


def verdicts(document: Mapping[str, Any]) -> dict[str, tuple[bool, str]]:
    """Of a soak's whole document: by subject, whether it is as it should be, and a line that says so."""
    found = {"memory": _of_memory(document), "latency": _of_latency(document["latency"])}
    if document.get("reconcile") is not None:
        found["reconcile"] = _of_reconcile(document["reconcile"])
    if document.get("faults") is not None:
        found["faults"] = _of_faults(document["faults"])
    if document.get("ended_early"):
        found["run"] = (False, f"ended early: {document['ended_early']}")
    return found


def _of_memory(document: Mapping[str, Any]) -> tuple[bool, str]:
    by_process = document["memory"]
    told = ", ".join(f"{name} {_slope(each, 'MB')}" for name, each in by_process.items())
    again = document["started_again"]
    flat, word = _flat([each["flat"] for each in by_process.values()])
    started = f"; started again: {', '.join(again)}" if again else ""
    return flat and not again, f"{word}: {told or 'nothing read'}{started}"


def _of_latency(trend: Mapping[str, Any]) -> tuple[bool, str]:
    flat, word = _flat([trend["flat"]])
    return flat, f"{word}: p99 {_slope(trend, 'ms')}"


def _flat(found: Sequence[bool | None]) -> tuple[bool, str]:
    """Whether all are, and a word for it. None: too short to say."""
    if False in found:
        return False, "not flat"
    return (True, "flat") if found and None not in found else (False, "not known")


def _slope(trend: Mapping[str, Any], unit: str) -> str:
    if trend["flat"] is None:
        return "too short to say"
    told = f"{trend['mean']:,.1f} {unit}, {trend['per_hour']:+,.1f} ± {trend['error_per_hour']:,.1f} an hour"
    return told if trend["flat"] else f"{told} (grows)"


def _of_reconcile(outcome: Mapping[str, Any]) -> tuple[bool, str]:
    findings = outcome["findings"]
    return not findings, f"{findings:,} findings" if findings else "clean"


def _of_faults(outcome: Mapping[str, Any]) -> tuple[bool, str]:
    said = "{faults} of {kinds} kinds by seed {seed}: {lost} lost, {doubled} doubled, {findings} findings"
    return bool(outcome["clean"]), said.format(**outcome)
