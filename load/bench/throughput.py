"""How many transactions a second one worker takes from a backlog in Kafka to committed decision and alert."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

from load.bench.accounts import Accounts
from load.bench.progress_watch import ProgressWatch
from load.bench.worker_process import ChildProcess, WorkerProcess
from load.columns import Transactions
from load.documents import transaction_documents
from load.producer import Pusher


@dataclass(frozen=True, slots=True)
class Throughput:
    """tx_per_s from the first settled sweep to the last. cpu_us_per_tx: by process. Memory: of the worker."""

    tx_per_s: float
    cpu_us_per_tx: Mapping[str, float]
    worker_rss_mb: float
    worker_rss_mb_half_way: float
    transactions: int

    def document(self) -> dict[str, Any]:
        by_process = {f"{name}_cpu_us_per_tx": round(each, 1) for name, each in self.cpu_us_per_tx.items()}
        return {
            "tx_per_s": round(self.tx_per_s, 1),
            **by_process,
            "all_cpu_us_per_tx": round(sum(self.cpu_us_per_tx.values()), 1),
            "worker_rss_mb": round(self.worker_rss_mb, 1),
            "worker_rss_mb_half_way": round(self.worker_rss_mb_half_way, 1),
            "transactions": self.transactions,
        }


def middle(runs: Sequence[Throughput]) -> dict[str, Any]:
    """The medians of several runs, and the least and the greatest rate."""
    documents = [run.document() for run in runs]
    rates = [document["tx_per_s"] for document in documents]
    medians = {name: round(median(each[name] for each in documents), 1) for name in documents[0]}
    return {**medians, "least_tx_per_s": min(rates), "greatest_tx_per_s": max(rates), "runs": len(runs)}


def push(pusher: Pusher, topic: str, table: Transactions) -> None:
    keys = [customer.encode() for customer in table.customer_id.tolist()]
    pusher.send(topic, keys, transaction_documents(table))


def warm_up(
    worker: WorkerProcess, watch: ProgressWatch, pusher: Pusher, topic: str, table: Transactions
) -> None:
    """Fill the histories by what the measured transactions follow."""
    worker.start()
    push(pusher, topic, table)
    watch.wait(len(table), worker.check)


def measure_backlog(
    worker: WorkerProcess,
    accounts: Accounts,
    watch: ProgressWatch,
    pusher: Pusher,
    topic: str,
    table: Transactions,
) -> Throughput:
    """Stop the worker, let a backlog gather, start it again and watch it work that off.

    accounts: of the worker, and of whatever else takes part.
    """
    before = watch.total()
    worker.stop()
    push(pusher, topic, table)
    return work_off(worker, accounts, watch, before, len(table))


def work_off(
    worker: ChildProcess, accounts: Accounts, watch: ProgressWatch, before: int, count: int
) -> Throughput:
    """Start on a backlog of at least `count` records behind the first `before`, and watch so many go."""
    worker.start()
    return watch_off(worker, accounts, watch, before, count)


class Runs(Protocol):
    """A worker, or several."""

    def check(self) -> None:
        """
        Raises:
            Unavailable: one has ended.
        """

    def rss_mb(self) -> float: ...


def watch_off(worker: Runs, accounts: Accounts, watch: ProgressWatch, before: int, count: int) -> Throughput:
    """The same of one that has just begun."""
    started = watch.wait(before + 1, worker.check)
    already, used_s = watch.total() - before, accounts.cpu_s()
    watch.wait(before + count // 2, worker.check)
    half_way_mb = worker.rss_mb()
    ended = watch.wait(before + count, worker.check)
    ahead = watch.total() - before - count
    done = count + ahead - already
    return Throughput(
        tx_per_s=done / (ended - started),
        cpu_us_per_tx={name: (now - used_s[name]) / done * 1e6 for name, now in accounts.cpu_s().items()},
        worker_rss_mb=worker.rss_mb(),
        worker_rss_mb_half_way=half_way_mb,
        transactions=done,
    )
