"""The benchmark of decisions over HTTP, on a stack of its own with a worker beside the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deploy.jobs.asking_gateway import key_for, wait_for_key, wait_until_ready
from deploy.jobs.benchmarks import CUSTOMERS, Rig, rig
from deploy.stack.ports import LOCALHOST, assign
from deploy.stack.report import Report
from load.bench.http_line import post_request
from load.bench.rest import WARM_UP_S, RestLatency, greatest, measure_rest
from load.bench.worker_process import GatewayProcess
from load.documents import transaction_documents
from models.errors import Unavailable

# More than any rate here asks in a minute.
LIMIT_PER_MINUTE = 1_000_000
P99_MS = 50.0
FIRST_RATE, STEP_S = 200.0, 10.0
SEARCH_DAYS = 30
# Kafka's server compiles what it does often: until then it takes a third of a core from the gateway.
SERVERS_WARM_UP_S = 20.0


@dataclass
class Course:
    """A gateway on a rig, a key for it, and transactions that nobody has asked for yet."""

    rig: Rig
    gateway: GatewayProcess
    key: str
    used: int = 0

    def run(self, rate: float, seconds: float) -> RestLatency:
        """
        Raises:
            Unavailable: there are not so many transactions left, or the gateway has ended.
        """
        count = int(rate * (seconds + WARM_UP_S))
        table = self.rig.measured[self.used : self.used + count]
        if len(table) < count:
            raise Unavailable("there are no more transactions", why=f"{count:,} are wanted")
        self.used += count
        address = (LOCALHOST, self.gateway.port)
        host = f"{LOCALHOST}:{self.gateway.port}"
        requests = [
            post_request(host, "/v1/score", self.key, document) for document in transaction_documents(table)
        ]
        return measure_rest(address, requests, rate, self.gateway.cpu_s)


@contextmanager
def course(days: int, processes: int, report: Report) -> Iterator[Course]:
    """days: how many days of transactions there are to ask for."""
    with rig(days, report) as found:
        (port,) = assign(["gateway"], {}, given={}).ports.values()
        log = found.stack.home / "gateway.log"
        gateway = GatewayProcess(found.worker.environment, log, port=port, processes=processes)
        url = f"http://{LOCALHOST}:{port}"
        try:
            gateway.start()
            report.waiting("waiting for the gateway")
            wait_until_ready(url)
            with key_for(found.settings, "bench", LIMIT_PER_MINUTE) as key:
                wait_for_key(url, key)
                made = Course(found, gateway, key)
                report.waiting(f"warming everything up for {SERVERS_WARM_UP_S:.0f} s")
                made.run(FIRST_RATE, SERVERS_WARM_UP_S)
                yield made
        finally:
            gateway.stop()


def bench_rest(rate: float, seconds: float, processes: int, report: Report) -> dict[str, Any]:
    needed = rate * (seconds + WARM_UP_S) + FIRST_RATE * (SERVERS_WARM_UP_S + WARM_UP_S)
    with course(max(1, int(needed / CUSTOMERS / 1.5) + 1), processes, report) as found:
        report.waiting(f"measuring {seconds:.0f} s at {rate:,.0f} requests/s")
        return found.run(rate, seconds).rounded()


def bench_rest_saturation(processes: int, report: Report) -> dict[str, Any]:
    """The greatest rate of those tried at which p99 holds and nothing fails, and how it went there."""
    passed: dict[float, RestLatency] = {}
    with course(SEARCH_DAYS, processes, report) as found:

        def passes(rate: float) -> bool:
            report.waiting(f"trying {rate:,.0f} requests/s")
            tried = found.run(rate, STEP_S)
            passed[rate] = tried
            good = tried.p99_ms <= P99_MS and not tried.errors
            report.note(
                f"{rate:,.0f} requests/s: p99 {tried.p99_ms:,.1f} ms, {tried.errors:,} errors, gateway "
                f"{tried.gateway_cpu_us:,.0f} us and generator {tried.generator_cpu_us:,.0f} us of CPU each"
            )
            return good

        rate = greatest(passes, FIRST_RATE)
    if not rate:
        return {"max_rate": 0.0}
    figures = passed[rate].rounded()
    return {"max_rate": figures.pop("rate"), **figures}
