"""What somebody before the monitor costs, at a steady rate of transactions, and how late what he sees is."""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deploy.jobs.asking_gateway import wait_until_ready
from deploy.jobs.benchmarks import CUSTOMERS, Rig, rig
from deploy.jobs.keys import created_key
from deploy.jobs.users import created_user
from deploy.stack.ports import LOCALHOST, assign
from deploy.stack.report import Report
from deploy.stack.waiting import until
from load.bench.latency import Latency, measure_latency
from load.bench.monitor_watcher import Watcher
from load.bench.progress_bell import ProgressBell
from load.bench.worker_process import GatewayProcess, MonitorProcess
from models.errors import Unavailable
from streams.kafka import producer_config

NAME, PASSWORD = "bench", "what the benchmark signs in with"
ROUNDS, WARM_UP_S = 2, 10.0
READY_WITHIN_S = 30.0


@dataclass
class Hall:
    """A rig with a gateway and a monitor. used: how many transactions have been sent."""

    rig: Rig
    gateway: GatewayProcess
    monitor: MonitorProcess
    used: int = 0

    def run(self, rate: float, seconds: float) -> tuple[Latency, dict[str, float]]:
        """Latency, and the cores that each process took meanwhile."""
        count = int(rate * (seconds + WARM_UP_S))
        table = self.rig.measured[self.used : self.used + count]
        self.used += count
        config, topic = producer_config(self.rig.settings, "bench"), self.rig.settings.transactions_topic
        bell = ProgressBell(self.rig.settings.database_url, topic)
        before, began = self._cpu_s(), time.perf_counter()
        try:
            latency = measure_latency(config, bell, topic, table, rate, seconds, WARM_UP_S)
        finally:
            bell.close()
        took_s = time.perf_counter() - began
        return latency, {name: (used - before[name]) / took_s for name, used in self._cpu_s().items()}

    def _cpu_s(self) -> dict[str, float]:
        ours = {"gateway": self.gateway.cpu_s(), "monitor": self.monitor.cpu_s()}
        return {**ours, **self.rig.stores.cpu_s()}


def bench_monitor(rate: float, seconds: float, watchers: int, report: Report) -> dict[str, Any]:
    """By turns without anybody and with watchers on the live page; figures are means over the rounds."""
    needed = rate * (seconds + WARM_UP_S) * 2 * ROUNDS
    with hall(max(1, int(needed / CUSTOMERS / 1.5) + 1), report) as found:
        alone, watched, behind = [], [], []
        for turn in range(ROUNDS):
            report.waiting(f"nobody looks ({turn + 1} of {ROUNDS})")
            alone.append(found.run(rate, seconds))
            report.waiting(f"{watchers} look ({turn + 1} of {ROUNDS})")
            with looking(found.monitor.address, watchers) as seats:
                watched.append(found.run(rate, seconds))
                behind += [delay for seat in seats for delay in seat.behind_s]
    return _told(rate, watchers, alone, watched, sorted(behind))


Run = tuple[Latency, dict[str, float]]


def _told(
    rate: float, watchers: int, alone: list[Run], watched: list[Run], behind_s: list[float]
) -> dict[str, Any]:
    """
    Raises:
        Unavailable: the monitor told nothing.
    """
    if not behind_s:
        raise Unavailable("the monitor told nothing", next_step="look at its log")
    found: dict[str, Any] = {"rate": rate, "watchers": watchers}
    by_turn = {"alone": [_figures(run) for run in alone], "watched": [_figures(run) for run in watched]}
    for name in by_turn["alone"][0]:
        for word, runs in by_turn.items():
            found[f"{name}_{word}"] = round(sum(run[name] for run in runs) / len(runs), 3)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    last = len(behind_s) - 1
    behind = {f"behind_{name}_s": round(behind_s[int(last * share)], 3) for name, share in at.items()}
    return found | {"updates": len(behind_s)} | behind


def _figures(run: Run) -> dict[str, float]:
    latency, cores = run
    return {
        "p50_ms": latency.p50_ms,
        "p99_ms": latency.p99_ms,
        **{f"{name}_cores": used for name, used in cores.items()},
    }


@contextmanager
def hall(days: int, report: Report) -> Iterator[Hall]:
    """days: how many days of transactions are at hand."""
    with rig(days, report) as found:
        ports = assign(["gateway", "monitor"], {}, given={}).ports
        environment, home = found.worker.environment, found.stack.home
        key = _access(found)
        gateway = GatewayProcess(environment, home / "gateway.log", port=ports["gateway"])
        told = {**environment, "FRAUDML_MONITOR_KEY": key, "FRAUDML_GATEWAY_URL": gateway.address}
        monitor = MonitorProcess(told, home / "monitor.log", port=ports["monitor"])
        try:
            gateway.start()
            monitor.start()
            report.waiting("waiting for gateway and monitor")
            wait_until_ready(gateway.address)
            until(lambda: _accepts(ports["monitor"]), within_s=READY_WITHIN_S, every_s=0.2)
            yield Hall(found, gateway, monitor)
        finally:
            monitor.stop()
            gateway.stop()


@contextmanager
def looking(address: str, watchers: int) -> Iterator[list[Watcher]]:
    """People before the live page of the last quarter of an hour."""
    seats = [Watcher(address, NAME, PASSWORD, "/", "?range=15m") for _ in range(watchers)]
    for seat in seats:
        seat.start()
    try:
        yield seats
    finally:
        for seat in seats:
            seat.stop()


def _access(found: Rig) -> str:
    """A viewer, and a key that may act for him."""
    words: Mapping[str, str] = {"who": "bench", "why": "a benchmark"}
    created_user(found.settings, NAME, "viewer", PASSWORD, **words)
    made = created_key(
        found.settings,
        env="test",
        owner="bench",
        name="monitor",
        scopes=["users:act"],
        limit_per_minute=100_000,
        expires_days=1,
        **words,
    )
    return str(made["key"])


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOCALHOST, port)) == 0
