"""How many transactions a second one worker takes from a backlog in Kafka to committed decision and alert."""

from dataclasses import asdict, dataclass
from typing import Any

from load.bench.progress_watch import ProgressWatch
from load.bench.worker_process import WorkerProcess
from load.columns import Transactions
from load.documents import transaction_documents
from load.producer import Pusher


@dataclass(frozen=True, slots=True)
class Throughput:
    """tx_per_s from the first settled sweep to the last; CPU and memory are the worker's alone."""

    tx_per_s: float
    worker_cpu_us_per_tx: float
    worker_rss_mb: float
    worker_rss_mb_half_way: float
    transactions: int

    def rounded(self) -> dict[str, Any]:
        return {
            name: round(value, 1) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


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
    worker: WorkerProcess, watch: ProgressWatch, pusher: Pusher, topic: str, table: Transactions
) -> Throughput:
    """Stop the worker, let a backlog gather, start it again and watch it work that off."""
    before = watch.total()
    worker.stop()
    push(pusher, topic, table)
    worker.start()
    started = watch.wait(before + 1, worker.check)
    already, cpu_s = watch.total() - before, worker.cpu_s()
    watch.wait(before + len(table) // 2, worker.check)
    half_way_mb = worker.rss_mb()
    ended = watch.wait(before + len(table), worker.check)
    done = len(table) - already
    return Throughput(
        tx_per_s=done / (ended - started),
        worker_cpu_us_per_tx=(worker.cpu_s() - cpu_s) / done * 1e6,
        worker_rss_mb=worker.rss_mb(),
        worker_rss_mb_half_way=half_way_mb,
        transactions=done,
    )
