"""How long a transaction takes from the moment it is due to be produced to its committed decision.

Open loop: the schedule does not wait for answers, and a transaction that is produced late counts from when it
was due, so that a stall is charged to everyone it delays.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Protocol

import numpy as np
from confluent_kafka import Message, Producer
from numpy.typing import NDArray

from load.columns import Transactions
from load.documents import transaction_documents
from models.errors import KafkaUnavailable
from streams.kafka import Config

# Kafka's Java code is slow until it has been compiled, which takes it that long at such a rate.
WARM_UP_S = 20.0
TICK_S = 0.002
POLL_S = 0.001
Moments = NDArray[np.float64]
DRAIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds; `rate` is what was asked for, `measured` how many transactions were counted."""

    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    measured: int

    def rounded(self) -> dict[str, Any]:
        return {
            "rate": self.rate,
            "p50_ms": round(self.p50_ms, 2),
            "p99_ms": round(self.p99_ms, 2),
            "p999_ms": round(self.p999_ms, 2),
            "transactions": self.measured,
        }


class Bell(Protocol):
    """Tells of the ledger's progress: one that Postgres rings (exact), or one that asks every 2 ms."""

    def heard(self, within_s: float) -> Iterator[tuple[int, int]]: ...


class CommitTimes:
    """When each partition's progress was told to have reached each offset, heard on a thread of its own."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._stop = Event()
        self._heard: dict[int, list[tuple[int, float]]] = {}
        self._thread = Thread(target=self._run, name="commit-times", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def reached(self, partition: int) -> int:
        heard = self._heard.get(partition)
        return heard[-1][0] if heard else 0

    def of(self, partition: int, offsets: np.ndarray[Any, np.dtype[np.int64]]) -> Any:
        """When each offset was settled."""
        heard = self._heard[partition]
        next_offsets = np.array([offset for offset, _ in heard])
        times = np.array([moment for _, moment in heard])
        return times[np.searchsorted(next_offsets, offsets, side="right")]

    def _run(self) -> None:
        while not self._stop.is_set():
            for partition, next_offset in self._bell.heard(within_s=0.2):
                self._heard.setdefault(partition, []).append((next_offset, time.perf_counter()))


def measure_latency(
    config: Config,
    bell: Bell,
    topic: str,
    table: Transactions,
    rate: float,
    seconds: float,
    warm_up_s: float = WARM_UP_S,
) -> Latency:
    """Produce at a steady rate for so long, after a warm-up that is not counted.

    Raises:
        KafkaUnavailable: Kafka did not take all, or they were not settled in time.
    """
    due, waited = waits(config, bell, topic, table[: int(rate * (seconds + warm_up_s))], rate)
    measured = waited[due >= due[0] + warm_up_s]
    p50, p99, p999 = (np.percentile(measured, [50, 99, 99.9]) * 1000).tolist()
    return Latency(rate, p50, p99, p999, len(measured))


def waits(
    config: Config, bell: Bell, topic: str, table: Transactions, rate: float
) -> tuple[Moments, Moments]:
    """Produce a table at a steady rate: when each transaction was due, and how long it waited, in seconds.

    Raises:
        KafkaUnavailable: Kafka did not take all, or they were not settled in time.
    """
    count = len(table)
    due, places = np.zeros(count), np.full((count, 2), -1, np.int64)
    commits = CommitTimes(bell)
    commits.start()
    try:
        _produce(config, topic, table, rate, due, places)
        _drain(commits, places)
    finally:
        commits.stop()
    waited = np.empty(count)
    for number in np.unique(places[:, 0]).tolist():
        mine = np.flatnonzero(places[:, 0] == number)
        waited[mine] = commits.of(number, places[mine, 1]) - due[mine]
    return due, waited


def _produce(config: Config, topic: str, table: Transactions, rate: float, due: Any, places: Any) -> None:
    producer = Producer(config | {"partitioner": "murmur2_random", "linger.ms": 0})
    documents: Sequence[bytes] = transaction_documents(table)
    keys = [customer.encode() for customer in table.customer_id.tolist()]
    failures: list[str] = []

    def delivered(index: int) -> Any:
        def note(error: Any, message: Message) -> None:
            if error is not None:
                failures.append(error.str())
            else:
                places[index] = (message.partition(), message.offset())

        return note

    # Arrivals in ticks: a generator that wakes for each transaction would take the cores it measures.
    due[:] = time.perf_counter() + np.floor(np.arange(len(due)) / rate / TICK_S) * TICK_S
    sent = 0
    for tick in np.unique(due).tolist():
        while (ahead := tick - time.perf_counter()) > 0:
            time.sleep(ahead)
        last = int(np.searchsorted(due, tick, side="right"))
        for index in range(sent, last):
            producer.produce(topic, documents[index], keys[index], on_delivery=delivered(index))
        producer.poll(0)
        sent = last
    if producer.flush(DRAIN_S) or failures:
        raise KafkaUnavailable("Kafka did not take all transactions", why=", ".join(failures[:1]))


def _drain(commits: CommitTimes, places: Any) -> None:
    last = {int(number): int(places[places[:, 0] == number, 1].max()) for number in np.unique(places[:, 0])}
    deadline = time.perf_counter() + DRAIN_S
    while any(commits.reached(number) <= offset for number, offset in last.items()):
        if time.perf_counter() > deadline:
            raise KafkaUnavailable("not all transactions were decided in time", why="the rate is too high")
        time.sleep(POLL_S)
