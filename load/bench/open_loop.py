"""Records produced when they are due, whatever becomes of those before, and when each was settled.

Open loop: the schedule does not wait for answers, and a transaction that is produced late counts from when it
was due, so that a stall is charged to everyone it delays.
"""

import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from threading import Event, Thread
from typing import Any, Protocol

import numpy as np
from confluent_kafka import KafkaException, Message, Producer
from numpy.typing import NDArray

from load.columns import Transactions
from load.documents import transaction_documents
from models.errors import KafkaUnavailable
from streams.kafka import Config

TICK_S = 0.002
POLL_S = 0.001
DRAIN_S = 30.0
NOWHERE = -1

Moments = NDArray[np.float64]
# Partition and offset of each record.
Places = NDArray[np.int64]
# Key and document.
Record = tuple[bytes, bytes]


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

    def of(self, partition: int, offsets: NDArray[np.int64]) -> Moments:
        """When each offset was settled."""
        heard = list(self._heard[partition])
        next_offsets = np.array([offset for offset, _ in heard])
        times = np.array([moment for _, moment in heard])
        found: Moments = times[np.searchsorted(next_offsets, offsets, side="right")]
        return found

    def forget(self, partition: int, offset: int) -> None:
        """Nobody will ask about offsets up to this one any more."""
        heard = self._heard[partition]
        # The last notice stays: it is how far the partition is.
        del heard[: min(bisect_right(heard, offset, key=lambda notice: notice[0]), len(heard) - 1)]

    def _run(self) -> None:
        while not self._stop.is_set():
            for partition, next_offset in self._bell.heard(within_s=0.2):
                self._heard.setdefault(partition, []).append((next_offset, time.perf_counter()))


class OpenLoop:
    """A producer that holds to a schedule, and notes where each record went."""

    def __init__(self, config: Config, topic: str) -> None:
        self._producer = Producer(config | {"partitioner": "murmur2_random"})
        self._topic = topic
        self._failures: list[str] = []

    def send(self, records: Iterable[Record], due: Moments, places: Places) -> None:
        """Produce one record for each moment that is due. places: filled in as Kafka tells them.

        Raises:
            KafkaUnavailable: Kafka did not take one of them.
        """
        waiting, sent = iter(records), 0
        for tick in np.unique(due).tolist():
            while (ahead := tick - time.perf_counter()) > 0:
                time.sleep(ahead)
            last = int(np.searchsorted(due, tick, side="right"))
            for index in range(sent, last):
                key, document = next(waiting)
                self._produce(key, document, self._noting(index, places))
            self._served(lambda: self._producer.poll(0))
            sent = last
        self._check()

    def finish(self) -> None:
        """Wait until Kafka has all.

        Raises:
            KafkaUnavailable: it did not take all.
        """
        left = self._served(lambda: self._producer.flush(DRAIN_S))
        self._check()
        if left:
            raise KafkaUnavailable("Kafka did not take all transactions", why=f"{left} still wait")

    def _produce(self, key: bytes, document: bytes, note: Any) -> None:
        while True:
            try:
                self._producer.produce(self._topic, document, key, on_delivery=note)
                return
            except BufferError:
                # Kafka has stood still for long: what is due meanwhile is late, and counts so.
                self._served(lambda: self._producer.poll(0.1))
            except KafkaException as error:
                raise KafkaUnavailable("Kafka does not take records", why=str(error)) from error

    def _check(self) -> None:
        if self._failures:
            raise KafkaUnavailable("Kafka did not take all transactions", why=self._failures[0])

    def _noting(self, index: int, places: Places) -> Any:
        def note(error: Any, message: Message) -> None:
            if error is not None:
                self._failures.append(error.str())
            else:
                places[index] = (message.partition(), message.offset())

        return note

    @staticmethod
    def _served(call: Any) -> Any:
        try:
            return call()
        except SystemError:
            # What the client makes of a Ctrl-C that comes while it waits.
            raise KeyboardInterrupt from None


def due_at(rate: float, first: int, count: int) -> Moments:
    """Seconds from the beginning at which the `first` of a steady stream and those after it are due.

    In ticks: a generator that wakes for each transaction would take the cores it measures.
    """
    found: Moments = np.floor(np.arange(first, first + count) / rate / TICK_S) * TICK_S
    return found


def nowhere(count: int) -> Places:
    """Room for places that are not known yet."""
    return np.full((count, 2), NOWHERE, np.int64)


def records_of(table: Transactions) -> list[Record]:
    keys = [customer.encode() for customer in table.customer_id.tolist()]
    return list(zip(keys, transaction_documents(table), strict=True))


def settled(commits: CommitTimes, places: Places) -> bool:
    """Whether all of these are known to Kafka, and decided."""
    if (places[:, 0] == NOWHERE).any():
        return False
    return all(commits.reached(number) > offset for number, offset in _last(places).items())


def drain(commits: CommitTimes, places: Places) -> None:
    """Wait until all is settled.

    Raises:
        KafkaUnavailable: it was not, in time.
    """
    deadline = time.perf_counter() + DRAIN_S
    while not settled(commits, places):
        if time.perf_counter() > deadline:
            raise KafkaUnavailable("not all transactions were decided in time", why="the rate is too high")
        time.sleep(POLL_S)


def waited(commits: CommitTimes, due: Moments, places: Places) -> Moments:
    """Seconds from due to settled, of what is settled."""
    found = np.empty(len(due))
    for number in _last(places):
        mine = np.flatnonzero(places[:, 0] == number)
        found[mine] = commits.of(number, places[mine, 1]) - due[mine]
    return found


def forget(commits: CommitTimes, places: Places) -> None:
    """These have been looked at."""
    for number, offset in _last(places).items():
        commits.forget(number, offset)


def _last(places: Places) -> dict[int, int]:
    """The highest offset of each partition."""
    return {int(each): int(places[places[:, 0] == each, 1].max()) for each in np.unique(places[:, 0])}
