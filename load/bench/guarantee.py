"""What the guarantee costs: the throughput of a worker with it and without it, turn by turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from load.bench.accounts import Accounts
from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import measure_backlog
from load.bench.turns import turns
from load.bench.worker_process import WorkerProcess
from load.columns import Transactions
from load.producer import Pusher

TURNS = turns((True, False), 4)


@dataclass(frozen=True, slots=True)
class Guarantee:
    """Transactions per second, by turn."""

    with_it: Sequence[float]
    without_it: Sequence[float]

    def document(self) -> dict[str, Any]:
        guarded, plain = mean(self.with_it), mean(self.without_it)
        return {
            "with_tx_per_s": round(guarded, 1),
            "without_tx_per_s": round(plain, 1),
            "cost_percent": round((1 - guarded / plain) * 100, 1),
        }


def measure_guarantee(
    guarded: WorkerProcess,
    plain: WorkerProcess,
    watch: ProgressWatch,
    pusher: Pusher,
    topic: str,
    table: Transactions,
    catch_up: Callable[[], None],
) -> Guarantee:
    """Give each turn its share of the table. catch_up: brings the watermarks, which a plain worker leaves."""
    rates: dict[bool, list[float]] = {True: [], False: []}
    share = len(table) // len(TURNS)
    for turn, is_guarded in enumerate(TURNS):
        worker = guarded if is_guarded else plain
        some = table[turn * share : (turn + 1) * share]
        accounts = Accounts({"worker": worker.process})
        rates[is_guarded].append(measure_backlog(worker, accounts, watch, pusher, topic, some).tx_per_s)
        worker.stop()
        if not is_guarded:
            catch_up()
    return Guarantee(rates[True], rates[False])
