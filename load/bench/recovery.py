"""How long it takes until everything moves again: after a dead worker, a dead Kafka, a Redis that forgot."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from load.bench.progress_watch import ProgressWatch
from load.bench.throughput import push
from load.bench.worker_process import WorkerProcess
from load.chaos import stores
from load.chaos.arena import Servers, kill
from load.columns import Transactions
from load.producer import Pusher
from models.errors import Unavailable
from streams.healing import ViewKeeper

PER_RECORDS = 20_000
GIVE_UP_S = 120.0
LOOK_EVERY_S = 0.01
# More than a second's writes at full speed.
CUT_BYTES = 1_500_000

Healed = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Recovery:
    """takeover_s: from kill -9 of one of two workers until every partition has moved past what came then.

    kafka_restart_s: the same from kill -9 of Kafka. heal: Redis has lost the end of its append-only file.
    rebuild: it has lost everything.
    """

    takeover_s: float
    kafka_restart_s: float
    healed_records: int
    heal_s_per_20000: float
    rebuilt_records: int
    rebuild_records_per_s: float

    def rounded(self) -> dict[str, Any]:
        return {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class Burst:
    """Some transactions of every partition, sent at a moment, and watched until they are decided."""

    def __init__(self, pusher: Pusher, watch: ProgressWatch, topic: str, table: Transactions) -> None:
        self._pusher = pusher
        self._watch = watch
        self._topic = topic
        self._table = table
        self._used = 0

    def send(self, count: int = 2000) -> None:
        push(self._pusher, self._topic, self._table[self._used : self._used + count])
        self._used += count

    def settled_s(self, began: float) -> float:
        """Send, and wait until all is decided; seconds since `began` (perf_counter).

        Raises:
            Unavailable: it takes too long.
        """
        self.send()
        due = {number: end for (topic, number), end in self._pusher.reached.items() if topic == self._topic}
        while True:
            now, elapsed = self._watch.now(), time.perf_counter() - began
            if all(now.get(number, 0) >= end for number, end in due.items()):
                return elapsed
            if elapsed > GIVE_UP_S:
                raise Unavailable(f"not everything is decided {GIVE_UP_S:.0f} s after the fault")
            time.sleep(LOOK_EVERY_S)


def takeover_s(burst: Burst, victim: WorkerProcess) -> float:
    """Kill one of two workers in the midst of its work, and do not start it again."""
    burst.settled_s(time.perf_counter())
    burst.send(20_000)
    began = time.perf_counter()
    victim.kill()
    return burst.settled_s(began)


def kafka_restart_s(burst: Burst, servers: Servers) -> float:
    burst.settled_s(time.perf_counter())
    began = time.perf_counter()
    kill(servers, "kafka", time.sleep)
    return burst.settled_s(began)


def heal_s(servers: Servers, keeper: ViewKeeper, healed: Healed) -> tuple[int, float]:
    """Cut the end off Redis' file, and heal; records and seconds."""
    with servers.halted("valkey") as folder:
        _cut(folder)
    return _timed(keeper, healed)


def _cut(folder: Path) -> None:
    stores.cut_aof(folder, CUT_BYTES)


def rebuild_s(redis_url: str, keeper: ViewKeeper, healed: Healed) -> tuple[int, float]:
    """Empty Redis, and heal; records and seconds."""
    stores.wipe_view(redis_url)
    return _timed(keeper, healed)


def _timed(keeper: ViewKeeper, healed: Healed) -> tuple[int, float]:
    before, began = healed(), time.perf_counter()
    keeper.heal()
    return int(healed() - before), time.perf_counter() - began
