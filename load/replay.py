"""Replay: a table of past transactions into the topics, day by virtual day, with labels a week behind.

A barrier after each day, measured on what workers have applied, keeps topics and partitions within a virtual
day of each other: without it a fast replay would score terminals before their labels were known.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from load.columns import Transactions
from load.documents import label_documents, transaction_documents
from load.ordering import shuffled, with_duplicates
from load.producer import Pusher
from load.shapes import Shape
from models.errors import Unavailable
from models.features import DAY_S, LABEL_DELAY_S
from streams.offsets import Place

LABEL_DELAY = timedelta(days=LABEL_DELAY_S // DAY_S)
POLL_S = 0.005
STALLED_S = 60.0


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What a replay does to the order. shuffle: most places a record moves. duplicates: share sent twice."""

    shuffle: int = 0
    duplicates: float = 0.0
    duplicate_distance: int = 100


@dataclass(slots=True)
class Sent:
    """What a replay has produced."""

    transactions: int = 0
    duplicates: int = 0
    labels: int = 0
    days: int = 0


class Applied(Protocol):
    """How far workers have applied each partition."""

    def now(self) -> dict[Place, int]: ...


@dataclass
class Replay:
    """One replay. progress: called with the number of transactions sent since the last call.

    shape: when transactions are due; its clock stands still at the barrier. None for no limit.
    """

    pusher: Pusher
    applied: Applied
    transactions_topic: str
    labels_topic: str
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    rng: np.random.Generator
    shape: Shape | None = None
    disturbance: Disturbance = field(default_factory=Disturbance)
    progress: Callable[[int], None] = lambda count: None

    def run(self, days: Iterator[tuple[date, Transactions]]) -> Sent:
        """Send the days in order; the labels of the last week follow at the end.

        Raises:
            Unavailable: Kafka failed, or no worker applies what was sent.
        """
        sent = Sent()
        unlabelled: deque[tuple[date, Transactions]] = deque()
        for day, table in days:
            while unlabelled and unlabelled[0][0] <= day - LABEL_DELAY:
                self._send_labels(unlabelled.popleft()[1], sent)
            self._barrier()
            self._send_transactions(table, sent)
            self._barrier()
            if table.label is not None:
                unlabelled.append((day, table))
        for _, table in unlabelled:
            self._send_labels(table, sent)
        self._barrier()
        return sent

    def _send_transactions(self, table: Transactions, sent: Sent) -> None:
        order = np.arange(len(table))
        if self.disturbance.shuffle:
            order = shuffled(table.customer_id, self.disturbance.shuffle, self.rng)
        if self.disturbance.duplicates:
            distance = self.disturbance.duplicate_distance
            order = with_duplicates(order, self.disturbance.duplicates, distance, self.rng)
        due_s = self._due_s(sent.transactions + sent.duplicates, len(order))
        self._send(self.transactions_topic, table[order], transaction_documents, due_s)
        sent.transactions += len(table)
        sent.duplicates += len(order) - len(table)
        sent.days += 1

    def _due_s(self, before: int, count: int) -> NDArray[np.float64] | None:
        """When the next transactions are due, in seconds from when the last one before them was."""
        if self.shape is None:
            return None
        due_s = self.shape.due_s(max(before - 1, 0), count + 1)
        return due_s[1:] - due_s[0] if before else due_s[:-1]

    def _send_labels(self, table: Transactions, sent: Sent) -> None:
        self._send(self.labels_topic, table, label_documents, None)
        sent.labels += len(table)

    def _send(
        self,
        topic: str,
        table: Transactions,
        documents: Callable[[Transactions], list[bytes]],
        due_s: NDArray[np.float64] | None,
    ) -> None:
        keys = [customer.encode() for customer in table.customer_id.tolist()]
        counted = self.progress if topic == self.transactions_topic else (lambda count: None)
        self.pusher.send(topic, keys, documents(table), due_s, counted)

    def _barrier(self) -> None:
        """Wait until workers have applied everything sent so far."""
        last: dict[Place, int] = {}
        moved_at = self.clock()
        while True:
            now = self._applied(last)
            if all(now.get(place, 0) >= reached for place, reached in self.pusher.reached.items()):
                return
            if now != last:
                last, moved_at = now, self.clock()
            if self.clock() - moved_at > STALLED_S:
                raise Unavailable(
                    f"nothing has been applied for {STALLED_S:.0f} s",
                    why="no worker runs, or it is stuck",
                    next_step="fraudml status, then fraudml logs worker-0",
                )
            self.sleep(POLL_S)

    def _applied(self, last: dict[Place, int]) -> dict[Place, int]:
        """How far workers are; where that cannot be known for now, as far as they were."""
        try:
            return self.applied.now()
        except Unavailable:
            return last
