"""What sweeps have decided and Kafka has yet to take. It goes out in their order, and no sweep waits for it.

While Kafka takes one transaction, whatever comes waits for the next one, all together. A crash before that
loses nothing: the group's committed offset is still the one of before, the same records are read again, and
the ledger knows what was decided.
"""

from collections import deque
from collections.abc import Sequence
from threading import Condition, Lock
from typing import Any, NamedTuple, Protocol

from models.decision import DecidedTransaction
from models.errors import AssignmentLost, KafkaUnavailable, Refused
from streams.arrivals import DeadLetter
from streams.metrics import Metrics
from streams.offsets import Offsets
from streams.ports import Outbox, ParkedLabel

# Sweeps; while Kafka takes nothing, there is little more to be read anyway.
MOST_WAITING = 64
# Alerts and dead letters of one transaction, unless a single sweep has more: it must not last, and the
# client's queue holds 100,000.
MOST_TOGETHER = 5000
ROOM_WITHIN_S = 1.0


class WaitingBook(Protocol):
    """Where it is known which partitions' offsets must not be committed plainly: older ones might follow."""

    def waits(self, offsets: Offsets) -> None:
        """These wait for Kafka, in a transaction perhaps."""

    def through(self, offsets: Offsets) -> None:
        """These wait no more."""


class Waiting(NamedTuple):
    """What a sweep sends, as in `Outbox.publish`."""

    alerts: Sequence[DecidedTransaction]
    dead: Sequence[DeadLetter]
    offsets: Offsets
    group: Any


class Outbound:
    """`streams.ports.Outbox` for lanes, in front of the one that they share.

    `turn` belongs to one thread. most: how many sweeps may wait. room_within_s: how long one more waits for
    its place.
    """

    def __init__(
        self,
        outbox: Outbox,
        book: WaitingBook,
        metrics: Metrics,
        most: int = MOST_WAITING,
        room_within_s: float = ROOM_WITHIN_S,
    ) -> None:
        self._outbox = outbox
        self._book = book
        self._metrics = metrics
        self._most = most
        self._room_within_s = room_within_s
        self._waiting: deque[Waiting] = deque()
        self._refused = False
        self._changed = Condition()
        self._sending = Lock()

    def __len__(self) -> int:
        """How many sweeps wait."""
        return len(self._waiting)

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Offsets,
        group: Any,
    ) -> None:
        """Have it published behind what waits already.

        Raises:
            AssignmentLost: what went before was refused; all is to be read again.
            KafkaUnavailable: too much waits already.
        """
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._room_within_s):
                raise KafkaUnavailable(
                    "Kafka does not take what goes out", why=f"{len(self)} sweeps wait for it"
                )
            if self._refused:
                raise AssignmentLost("what was to go out before was refused by Kafka")
            # Behind something that waits, offsets wait too: committed at once they would pass over it.
            if alerts or dead or self._waiting:
                self._book.waits(offsets)
                self._waiting.append(Waiting(alerts, dead, offsets, group))
                self._tell()
                return
        self._outbox.publish(alerts, dead, offsets, group)

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        """Between two turns: it is the same producer.

        Raises:
            KafkaUnavailable: a turn takes long.
        """
        if not self._sending.acquire(timeout=self._room_within_s):
            raise KafkaUnavailable(
                "Kafka is slow to take what goes out", why="labels to be returned wait for it"
            )
        try:
            self._outbox.return_labels(labels)
        finally:
            self._sending.release()

    def turn(self) -> None:
        """Publish what waits, as one.

        Raises:
            AssignmentLost: the partitions belong to another worker; nothing waits any more, nor is anything
                taken before `reset`.
            SlotTaken, OutcomeUnknown, KafkaUnavailable: as `Outbox.publish`.
        """
        some = self._next()
        if not some:
            return
        try:
            with self._metrics.step("publish"), self._sending:
                self._outbox.publish(*joined(some))
        except Refused:
            self.give_up()
            raise
        self._leave(some)

    def await_one(self, within_s: float) -> None:
        """Until something waits."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting), within_s)

    def give_up(self) -> None:
        """Whatever waits is to be read again; nothing is taken before `reset`."""
        with self._changed:
            self._refused = True
            self._drop(len(self._waiting))

    def reset(self) -> None:
        """All that was given up is read again from the committed offsets."""
        with self._changed:
            self._refused = False

    def _has_room(self) -> bool:
        return self._refused or len(self._waiting) < self._most

    def _next(self) -> list[Waiting]:
        """Those in front that speak for the same membership of the group: no others may go with them."""
        with self._changed:
            waiting = list(self._waiting)
        some: list[Waiting] = []
        count = 0
        for each in waiting:
            count += len(each.alerts) + len(each.dead)
            if some and (each.group != some[0].group or count > MOST_TOGETHER):
                break
            some.append(each)
        return some

    def _leave(self, some: Sequence[Waiting]) -> None:
        with self._changed:
            self._drop(len(some))

    def _drop(self, count: int) -> None:
        for _ in range(count):
            self._book.through(self._waiting.popleft().offsets)
        self._tell()

    def _tell(self) -> None:
        self._metrics.outbound.set(len(self._waiting))
        self._changed.notify_all()


def joined(some: Sequence[Waiting]) -> Waiting:
    """What several sweeps send, in their order, as one."""
    return Waiting(
        [alert for each in some for alert in each.alerts],
        [letter for each in some for letter in each.dead],
        {place: offset for each in some for place, offset in each.offsets.items()},
        some[0].group,
    )
