"""The benchmark of scale: the same backlog for one worker, and for several."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka.admin import AdminClient

from deploy.jobs.benchmarks import Rig, days_of, rig
from deploy.stack.report import Report
from load.bench.accounts import Accounts
from load.bench.crew import Crew, Group
from load.bench.supply import Supply
from load.bench.throughput import Throughput, middle, push, watch_off
from load.bench.turns import turns
from load.bench.worker_process import WorkerProcess
from models.errors import Misuse
from streams.kafka import client_config
from streams.settings import Settings

# Each worker has decided something before it is measured.
PRELUDE = 2000
# A stack of its own has the default.
PARTITIONS: int = Settings.model_fields["partitions"].default


def bench_scale(workers: Sequence[int], runs: int, transactions: int, report: Report) -> dict[str, Any]:
    """
    Raises:
        Misuse: more workers than partitions.
    """
    refuse_idle(workers)
    order = turns(workers, runs)
    needed = len(order) * (transactions + PRELUDE)
    with rig(days_of(needed), report) as found:
        course = Course(found, Supply(found.measured))
        found.worker.stop()
        measured: dict[int, list[Throughput]] = {count: [] for count in workers}
        for turn, count in enumerate(order, 1):
            report.waiting(
                f"measuring {transactions:,} transactions, workers: {count} ({turn} of {len(order)})"
            )
            measured[count].append(course.run(count, transactions))
        return {
            "workers": [told(count, measured[count]) for count in workers],
            "partitions": PARTITIONS,
        }


def refuse_idle(workers: Sequence[int]) -> None:
    if max(workers) > PARTITIONS:
        raise Misuse(
            f"{max(workers)} workers are too many",
            why=f"there are {PARTITIONS} partitions, and each worker needs one",
            next_step="ask for fewer",
        )


@dataclass
class Course:
    rig: Rig
    supply: Supply

    def run(self, count: int, transactions: int) -> Throughput:
        """A backlog that so many workers begin on at the same moment."""
        settings, watch = self.rig.settings, self.rig.watch
        with working(self.rig, count) as crew:
            before = self._push(PRELUDE)
            watch.wait(before + PRELUDE, crew.check)
            with crew.held(at_most_s=settings.session_timeout_s):
                before = self._push(transactions)
            accounts = Accounts({**crew.accounts().processes, **self.rig.stores.processes})
            return watch_off(crew, accounts, watch, before, transactions)

    def _push(self, count: int) -> int:
        """How far the workers were before."""
        before = self.rig.watch.total()
        push(self.rig.pusher, self.rig.settings.transactions_topic, self.supply.take(count))
        return before


@contextmanager
def working(found: Rig, count: int) -> Iterator[Crew]:
    """So many workers, each with its share of the partitions; stopped at the end."""
    settings = found.settings
    crew = Crew([_in_slot(found, slot) for slot in range(count)])
    admin = AdminClient(client_config(settings, "bench"))
    group = Group(admin, settings.group_id, settings.transactions_topic, settings.kafka_timeout_s)
    try:
        crew.start()
        group.settle(crew, settings.partitions)
        yield crew
    finally:
        crew.stop()


def _in_slot(found: Rig, slot: int) -> WorkerProcess:
    log = found.stack.home / f"worker-{slot}.log"
    return replace(found.worker, slot=slot, log=log, _process=None)


def told(workers: int, runs: Sequence[Throughput]) -> dict[str, Any]:
    """The medians of several runs, with the CPU of each process, and how many cores all took together."""
    found = middle(runs)
    each = [found.pop(f"worker-{slot}_cpu_us_per_tx") for slot in range(workers)]
    cores = found["all_cpu_us_per_tx"] * found["tx_per_s"] / 1e6
    return {
        "workers": workers,
        **found,
        "worker_cpu_us_per_tx": round(sum(each), 1),
        "each_worker_cpu_us_per_tx": each,
        "cores_used": round(cores, 2),
    }
