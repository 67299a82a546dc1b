"""What was to be reached, beside what was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

from load.report.kept import Kept

Found = Mapping[str, Any]
# What a figure is that nobody has measured.
Figure = float | None
# They commit their offsets once a batch is done.
COMMIT_AFTERWARDS = ("confluent-batch", "faststream-batch", "quix-batch")


@dataclass(frozen=True)
class Goal:
    """bench: the name of the document. limit: at most, or at least, in `unit`."""

    bench: str
    what: str
    figure: Callable[[Found], Figure]
    limit: float
    unit: str = ""
    at_least: bool = False

    def reached_by(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit

    def wanted(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {_number(self.limit)}{_spaced(self.unit)}"


@dataclass(frozen=True)
class Outcome:
    """reached: None where it was not measured."""

    goal: Goal
    figure: Figure

    @property
    def reached(self) -> bool | None:
        return None if self.figure is None else self.goal.reached_by(self.figure)

    def told(self) -> str:
        if self.figure is None:
            return "not measured"
        return "not held" if isinf(self.figure) else f"{_number(self.figure)}{_spaced(self.goal.unit)}"


def outcomes(kept: Mapping[str, Kept]) -> list[Outcome]:
    return [
        Outcome(goal, goal.figure(kept[goal.bench].found) if goal.bench in kept else None) for goal in GOALS
    ]


def _plain(name: str) -> Callable[[Found], Figure]:
    return lambda found: found.get(name)


def _at(rate: float, name: str) -> Callable[[Found], Figure]:
    """Of a rate that was asked for. One that could not be held has taken for ever."""

    def figure(found: Found) -> Figure:
        for row in found["rates"]:
            if row["rate"] == rate:
                return inf if row["held"] < row["runs"] else row[name]
        return None

    return figure


def _times(*, kinds: Callable[[str], bool]) -> Callable[[Found], Figure]:
    """Our throughput in that of the fastest of some peers."""

    def figure(found: Found) -> Figure:
        rates = [float(peer["tx_per_s"]) for peer in found["peers"] if kinds(peer["name"])]
        return round(float(found["ours"]["tx_per_s"]) / max(rates), 2) if rates else None

    return figure


def _behind_best_p99(found: Found) -> Figure:
    """Milliseconds by which our p99 is longer than that of the best peer."""
    theirs: list[float] = [peer["p99_ms"] for peer in found["peers"] if peer["p99_ms"] is not None]
    ours: Figure = found["ours"]["p99_ms"]
    return round(ours - min(theirs), 1) if theirs and ours is not None else None


def _harm(found: Found) -> Figure:
    lost, doubled = found["ours"]["lost"], found["ours"]["doubled"]
    return None if lost is None else float(lost + doubled)


def _of_month(found: Found) -> Figure:
    by_month: Mapping[str, float] = found.get("redis_bytes_per_customer_by_month", {})
    return by_month.get("appended")


def _growth(name: str) -> Callable[[Found], Figure]:
    """CPU of all in the last of these rows, where there is most of what they count, in that of the first."""

    def figure(found: Found) -> Figure:
        costs = [float(row["all_cpu_us_per_tx"]) for row in found.get(name, [])]
        return round(costs[-1] / costs[0], 3) if len(costs) > 1 else None

    return figure


def _hot(found: Found) -> Figure:
    hot = found.get("hot_terminal")
    if hot is None:
        return None
    beside, without = float(hot["others_p99_ms_beside"]), float(hot["others_p99_ms_without"])
    return round(beside / without, 2)


def _failed(subject: str) -> Callable[[Found], Figure]:
    """0 if that verdict is good."""

    def figure(found: Found) -> Figure:
        verdict = found["verdicts"].get(subject)
        return None if verdict is None else float(not verdict["passed"])

    return figure


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


GOALS = (
    Goal(
        "throughput",
        "Kafka to committed, one worker",
        _plain("tx_per_s"),
        35_000,
        "tx/s",
        at_least=True,
    ),
    Goal("throughput", "CPU of the worker", _plain("worker_cpu_us_per_tx"), 20, "µs/tx"),
    Goal("throughput", "CPU of all processes", _plain("all_cpu_us_per_tx"), 55, "µs/tx"),
    Goal("latency", "p50 at 1,000 tx/s", _at(1000, "p50_ms"), 5, "ms"),
    Goal("latency", "p99 at 1,000 tx/s", _at(1000, "p99_ms"), 20, "ms"),
    Goal("latency", "p99.9 at 1,000 tx/s", _at(1000, "p999_ms"), 60, "ms"),
    Goal("latency", "p99 at 4,000 tx/s", _at(4000, "p99_ms"), 30, "ms"),
    Goal("latency", "p99 at 10,000 tx/s", _at(10_000, "p99_ms"), 80, "ms"),
    Goal("latency-alerts", "p99 of alerts at 1,000 tx/s", _at(1000, "alert_p99_ms"), 60, "ms"),
    Goal(
        "peers",
        "throughput over that of the fastest batched peer",
        _times(kinds=lambda name: not name.endswith("-event")),
        1.2,
        "times",
        at_least=True,
    ),
    Goal(
        "peers",
        "throughput over that of the fastest that commits afterwards",
        _times(kinds=lambda name: name in COMMIT_AFTERWARDS),
        1.7,
        "times",
        at_least=True,
    ),
    Goal(
        "peers",
        "throughput over that of stock Faust per event",
        _times(kinds=lambda name: name == "faust-event"),
        40,
        "times",
        at_least=True,
    ),
    Goal("peers", "p99 at 1,000 tx/s, longer than the best peer's by", _behind_best_p99, 0, "ms"),
    Goal("peers", "lost or doubled by us after a kill -9", _harm, 0),
    Goal("rest-saturate", "requests a second at p99 ≤ 50 ms", _plain("max_rate"), 850, "/s", at_least=True),
    Goal("rest", "p99 at 200 requests/s", _plain("p99_ms"), 15, "ms"),
    Goal(
        "state",
        "CPU of all with most customers, over that with fewest",
        _growth("customers"),
        1.1,
        "times",
    ),
    Goal(
        "state",
        "CPU of all with most rows in the ledger, over that with fewest",
        _growth("ledger"),
        1.1,
        "times",
    ),
    Goal("state", "Redis, per customer with a month of 2 a day", _of_month, 1400, "bytes"),
    Goal("state", "p99 of the others beside a hot terminal, over that without", _hot, 1.1, "times"),
    Goal("soak", "processes' memory not flat", _failed("memory"), 0),
    Goal("soak", "latency not flat", _failed("latency"), 0),
    Goal("soak", "reconcile not clean", _failed("reconcile"), 0),
    Goal("soak", "ledger not clean after faults", _failed("faults"), 0),
)
