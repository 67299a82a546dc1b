"""The poller: one thread that owns the librdkafka consumer and makes every call on it.

It polls, takes what is buffered, hands over a sweep, of a backlog one for each free lane, and goes on polling
slowly while all are under way, so that the group keeps us however long a dependency takes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.answered import claims_answer
from streams.arrivals import Sweep
from streams.assignment import Positions, check_incarnations, starting_offsets
from streams.intake import Intake
from streams.kafka import Config, consumer_failure
from streams.lanes import BACKLOG_RECORDS, Lanes
from streams.mailbox import Mailbox
from streams.offset_book import OffsetBook
from streams.offsets import Offsets, Place

log = structlog.get_logger(__name__)

IDLE_POLL_S = 0.1
KEEP_ALIVE_S = 0.5
ANSWERED_WAIT_S = 0.02
# How soon it is looked again whether few records that wait for a small sweep have become a backlog, and
# whether others have come than those that must wait.
FEW_S = 0.02
BLOCKED_S = 0.002
# How long a rebalance waits for what is under way; its records are safe either way.
REVOKE_WAIT_S = 8.0


@dataclass(frozen=True, slots=True)
class Pace:
    """max_records: of a sweep. lanes: how many sweeps may be under way. timeout_s: of Kafka's answers.
    settle_timeout_s: of transactions in flight.
    """

    max_records: int
    commit_interval_s: float
    timeout_s: float
    settle_timeout_s: float
    lanes: int = 1


class Poller:
    """Delivers sweeps, one for each lane at a time, until told to stop.

    config: asked for when it starts. topic_ids: Kafka's ids of the topics, now. progress: the ledger's, for
    where to start. failed: called once, with what ended the thread. lag: hears how many records of each
    partition wait, and at which offsets partitions are held. forgotten: called before all is read again from
    the committed offsets, with nothing under way.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        *,
        topic_ids: Callable[[], Mapping[str, str]],
        progress: Positions,
        failed: Callable[[BaseException], None],
        lag: Callable[[Mapping[Place, int], Offsets], None],
        pace: Pace,
        forgotten: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._topic_ids = topic_ids
        self._progress = progress
        self._failed = failed
        self._lag = lag
        self._forgotten = forgotten
        self._pace = pace
        self._mailbox = Mailbox()
        self._ids: Mapping[str, str] = {}
        self._group: Any = None
        self._intake = Intake()
        self._lanes = Lanes(pace.lanes, monotonic, min(BACKLOG_RECORDS, pace.max_records))
        self._book = OffsetBook(self._lanes, pace.commit_interval_s, monotonic)
        self._assignments = 0
        self._drained: Event | None = None
        self._started = self._stopping = self._rewinding = self._blocked = False
        self._thread = Thread(target=self._run, name="poller", daemon=True)
        self._consumer: Any = None
        self._deliver: Callable[[Sweep], None]
        self._assigned: Callable[[frozenset[Place]], None]

    # What other threads may call.

    def start(self, deliver: Callable[[Sweep], None], assigned: Callable[[frozenset[Place]], None]) -> None:
        """deliver, assigned: called on the poller's thread."""
        self._deliver, self._assigned = deliver, assigned
        self._started = True
        self._thread.start()

    def drain(self) -> Event:
        """Hand over no more sweeps; the event is set once those under way are done, and out or given up."""
        drained = Event()
        if not self._started:
            drained.set()
        self._mailbox.put(lambda: setattr(self, "_drained", drained))
        return drained

    def stop(self, timeout_s: float) -> None:
        """Commit what is finished, leave, and end the thread."""
        self._mailbox.put(self._stop)
        self._thread.join(timeout_s)

    def later(self, offsets: Offsets) -> None:
        """`CommitBook.later`: commit plainly, before long and before the next sweep of alerts."""
        self._mailbox.put(lambda: self._book.later(offsets))

    def done(self, offsets: Offsets) -> None:
        """`CommitBook.done`: committed in a transaction, so nothing older may follow."""
        self._mailbox.put(lambda: self._book.done(offsets))

    def waits(self, offsets: Offsets) -> None:
        """`WaitingBook.waits`: until they are through, nothing of their partitions is committed plainly."""
        self._mailbox.put(lambda: self._book.waits(offsets))

    def through(self, offsets: Offsets) -> None:
        """`WaitingBook.through`."""
        self._mailbox.put(lambda: self._book.through(offsets))

    def finished(self, lane: int = 0) -> None:
        """A sweep under way is done: the next one may come."""
        self._mailbox.put(lambda: self._book.leave(lane))

    def hold(self, offsets: Offsets) -> None:
        """Read partitions no further than these offsets."""
        self._mailbox.put(lambda: self._intake.hold(self._consumer, offsets))

    def release(self, place: Place) -> None:
        """Read a partition on that was held."""
        self._mailbox.put(lambda: self._intake.held.release(self._consumer, [place]))

    def held(self) -> dict[Place, int]:
        """The partitions that are held, and where."""
        return self._intake.held.now()

    def refused(self, lane: int | None = 0) -> None:
        """A sweep under way was not ours any more, or, with no lane, what was to go out: read again from the
        committed offsets.
        """
        self._mailbox.put(lambda: self._refuse(lane))

    # The thread.

    def _run(self) -> None:
        try:
            self._consumer = Consumer(self._config())
            self._ids = self._topic_ids()
            self._consumer.subscribe(
                list(self._ids), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping:
                self._turn()
            self._book.commit(self._consumer)
            self._consumer.close()
        except KafkaException as error:
            self._failed(consumer_failure(error))
        except BaseException as error:
            self._failed(error)

    def _turn(self) -> None:
        self._mailbox.obey(self._patience_s())
        if self._stopping:
            return
        if self._book.keep(self._consumer):
            self._lag(self._intake.lags(self._consumer, self._lanes.sweeps), self.held())
        if self._rewinding and self._book.is_at_rest:
            self._rewind()
        if self._lanes.full or self._rewinding:
            self._receive(0)
        elif self._drained is not None:
            if self._book.is_at_rest:
                self._drained.set()
            self._receive(0)
        else:
            self._deliver_next()

    def _patience_s(self) -> float:
        """How long to wait for a call before Kafka is asked again."""
        ends = self._rewinding or self._drained is not None
        if self._lanes.full or (ends and not self._book.is_at_rest):
            return KEEP_ALIVE_S
        if self._drained is not None:
            return IDLE_POLL_S
        if self._intake.sweeps:
            return 0
        if self._lanes.prompt and self._intake.count < self._lanes.few:
            return FEW_S
        return BLOCKED_S if self._blocked else 0

    def _deliver_next(self) -> None:
        intake, starting = self._intake, self._book.starting
        if starting or not intake.sweeps:
            self._receive(0 if intake.records and not starting else IDLE_POLL_S)
        if not intake.sweeps:
            self._gather()
        if intake.sweeps and not starting and not self._stopping:
            self._deliver(self._lanes.take(intake.sweeps.pop(0)))

    def _stop(self) -> None:
        self._stopping = True

    def _refuse(self, lane: int | None) -> None:
        """Others may end first: of theirs, too, only what is committed is not read again."""
        if lane is not None:
            self._book.leave(lane)
        self._rewinding = True

    def _receive(self, wait_s: float) -> None:
        """Serve the group, and take the first record that comes."""
        message = self._consumer.poll(wait_s)
        # Before the first sweep of a partition, its starting offset is committed.
        self._book.starting.commit(self._consumer)
        if message is not None:
            self._intake.keep([message])

    def _gather(self) -> None:
        """What is buffered and may go on now, as one sweep per topic."""
        pace, intake = self._pace, self._intake
        if intake.records:
            self._wait_for_more()
            # So far ahead that most likely there is something of partitions that are not under way.
            most = pace.max_records * (2 * pace.lanes - 1)
            intake.keep(self._consumer.consume(max(0, most - intake.count), 0))
            # The same for all sweeps of an assignment: what goes out of several goes out as one.
            self._group = self._group or self._consumer.consumer_group_metadata()
            intake.gather(self._ids, pace.max_records, self._group, self._assignments, self._lanes)
        self._blocked = bool(intake.records) and not intake.sweeps

    def _wait_for_more(self) -> None:
        """A record that a gateway has answered waits a moment for others of its kind: nobody waits for it,
        and a sweep has a cost of its own. As soon as one comes that is not decided yet, all go.
        """
        until = monotonic() + ANSWERED_WAIT_S
        if self._intake.count > 1:
            return
        while (newest := self._intake.newest) is not None and claims_answer(newest.headers()):
            if (wait_s := until - monotonic()) <= 0:
                return
            self._receive(wait_s)

    def _on_assign(self, consumer: Any, given: list[TopicPartition]) -> None:
        starts = self._starts([(each.topic, each.partition) for each in given])
        self._assign(starts)
        self._assignments += 1
        self._group = None
        self._intake.partitions |= set(starts)
        self._book.starting.later(starts)
        log.info("partitions_assigned", count=len(starts))
        self._assigned(frozenset(self._intake.partitions))

    def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        check_incarnations(self._ids, self._topic_ids())
        timeouts = (self._pace.timeout_s, self._pace.settle_timeout_s)
        return starting_offsets(self._consumer, places, self._ids, self._progress, *timeouts)

    def _on_revoke(self, consumer: Any, taken: list[TopicPartition]) -> None:
        deadline = monotonic() + REVOKE_WAIT_S
        while not self._book.is_at_rest and monotonic() < deadline:
            self._mailbox.obey(KEEP_ALIVE_S)
        if self._rewinding and self._book.is_at_rest:
            self._forget()
        self._book.commit(self._consumer)
        self._drop(taken)

    def _on_lost(self, consumer: Any, taken: list[TopicPartition]) -> None:
        self._drop(taken)

    def _drop(self, taken: list[TopicPartition]) -> None:
        """Forget partitions: what is buffered of them belongs to another worker now."""
        places = {(each.topic, each.partition) for each in taken}
        self._intake.drop(places)
        self._book.drop(places)
        log.info("partitions_revoked", count=len(places))
        self._assigned(frozenset(self._intake.partitions))
        self._consumer.unassign()

    def _rewind(self) -> None:
        self._forget()
        self._assign(self._starts(sorted(self._intake.partitions)))

    def _forget(self) -> None:
        self._rewinding = False
        self._forgotten()
        self._intake.clear(self._consumer)
        self._book.forget()

    def _assign(self, starts: Offsets) -> None:
        """Read on from these offsets; seeking one partition after the other would take half a second each."""
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in starts.items()])
