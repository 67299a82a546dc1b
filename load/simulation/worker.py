"""A simulated worker: the poller's rules in one thread of work, around the real pipeline."""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from load.simulation.intake import SimulatedIntake
from load.simulation.kafka import Membership
from load.simulation.line import Line
from load.simulation.marks import WatchedSigner
from load.simulation.outbox import SimulatedConsumer, SimulatedOutbox
from load.simulation.pipeline import KEY, build_decider, build_pipeline, metrics
from load.simulation.ports import LedgerPort, ViewPort
from load.simulation.surroundings import Surroundings
from models.errors import Refused, TopicRemade, Unavailable, ViewMoved
from streams.arrivals import Sweep
from streams.assignment import starting_offsets
from streams.healing import ViewKeeper
from streams.lanes import Lanes
from streams.offset_book import OffsetBook
from streams.offsets import Place
from streams.outbound import Outbound
from streams.poison import PoisonGate

TIMEOUT_S = 1.0
COMMITS_NOW, SENDS_NOW, TENDS_NOW, HEALS_NOW, BOTH_TOPICS = 0.3, 0.5, 0.2, 0.3, 0.3
MOST_OUTBOUND = 4


class Fenced(Exception):
    """Kafka knows another member by our slot's name."""


class SimulatedWorker:
    """One process in a worker slot, from its start to its death."""

    def __init__(self, name: str, slot: int, around: Surroundings, line: Line, ahead_ms: int) -> None:
        self.name = name
        self.slot = slot
        self.idle = False
        self.consumer = SimulatedConsumer(around.kafka, line, self._membership)
        self.view = ViewPort(around.view, line)
        self._around = around
        self._kafka = around.kafka
        self._line = line
        self._ledger = LedgerPort(around.ledger, self.view, line)
        self._lanes = Lanes(1, lambda: 0.0)
        self._book = OffsetBook(self._lanes, inf, lambda: 0.0)
        self._outbox = SimulatedOutbox(
            kafka=around.kafka, slot=slot, line=line, member=name, book=self._book, wire=around.wire
        )
        self._outbound = Outbound(self._outbox, self._book, metrics(), MOST_OUTBOUND, 0.0)
        plan = around.plan
        pipeline = build_pipeline(
            self._ledger,
            self._outbound,
            gate=PoisonGate(self._ledger, plan.limit, self._hold),
            keeper=self._keeper(self._ledger, self.view, self._heal_apart if plan.decides else None),
            decider=build_decider("stream", plan.retention, around.now),
            signer=WatchedSigner(KEY, around.ledger),
            ahead_ms=ahead_ms,
            now=around.now,
        )
        self._labels = pipeline.labels
        self._handlers = {"transactions": pipeline.transactions.handle, "labels": pipeline.labels.handle}
        self._generation = 0
        self._ids: dict[str, str] = {}
        self._intake = SimulatedIntake(around.kafka, around.random, around.plan.sweep_max_records)
        self._heals = self._rewinds = False

    def _keeper(
        self, ledger: LedgerPort, view: ViewPort, heal_apart: Callable[[], None] | None = None
    ) -> ViewKeeper:
        around = self._around
        return ViewKeeper(
            ledger,
            view,
            around.new_epoch,
            metrics(),
            heal_apart=heal_apart,
            chunk_rows=around.plan.chunk_rows,
        )

    def work(self) -> None:
        """Until something ends it."""
        self._ids = self._topic_ids()
        self._outbox.open()
        self._line.note("starts")
        while True:
            self._turn()

    def has_work(self) -> bool:
        if self.consumer.waiting:
            return not any(map(self._kafka.pending, self.consumer.waiting))
        return not self.idle or bool(self._intake.waiting()) or self._kafka.generation != self._generation

    @property
    def settled(self) -> bool:
        """Nothing read, owed or to be read."""
        intake = self._intake
        unread = intake.sweeps or intake.waiting() or intake.held
        at_rest = self.idle and not unread and not self._waits
        return at_rest and self._kafka.generation == self._generation

    @property
    def _waits(self) -> bool:
        """Whether something of its own is still to be done."""
        return bool(self._outbound) or self._book.owes or self._heals or self._rewinds

    @property
    def held(self) -> Mapping[Place, int]:
        """The partitions that a flood has stopped, and where."""
        return self._intake.held

    def _membership(self) -> Membership:
        return Membership(self._generation, self.slot, self.name)

    def _topic_ids(self) -> dict[str, str]:
        return {topic.name: topic.topic_id for topic in self._kafka.topics.values()}

    def _turn(self) -> None:
        self._sync()
        if self._rewinds:
            self._rewind()
        if self._book.starting:
            self._book.starting.commit(self.consumer)
        if self._book.starting:
            self._line.pause()
            return
        if self._outbound and self._line.happens(SENDS_NOW):
            self._send()
        if self._line.happens(COMMITS_NOW):
            self._book.commit(self.consumer)
        if self._heals and self._line.happens(HEALS_NOW):
            self._heal()
        sweeps = self._intake.sweeps
        if not sweeps:
            both = self._line.happens(BOTH_TOPICS), self._line.happens(0.5)
            sweeps += self._intake.gathered(self._ids, self._membership(), *both)
        if sweeps:
            self.idle = False
            self._run(sweeps.pop(0))
            if self._line.happens(TENDS_NOW):
                self._tend()
        else:
            self._rest()

    def _rest(self) -> None:
        self._send_all()
        self._book.commit(self.consumer)
        self._tend()
        if not self._waits and not self._intake.waiting():
            self.idle = True
            self._line.pause()

    def _tend(self) -> None:
        """As the worker's timer does; labels are returned by whoever has their first partition."""
        try:
            self._release_allowed()
            if ("labels", 0) in self._intake.positions:
                self._labels.return_due()
        except Unavailable:
            self._line.note("could not tend")

    def _hold(self, topic: str, stops: Mapping[int, int]) -> None:
        """As the poller does: read no further for now."""
        ours = self._intake.positions
        mine = {(topic, number): at for number, at in stops.items() if (topic, number) in ours}
        self._intake.hold(mine)
        self._line.note(f"stops at {mine}")

    def _release_allowed(self) -> None:
        for (topic, number), offset in list(self._intake.held.items()):
            found = self._ledger.poison(self._ids[topic], {number: (offset, offset)})
            if found[number].allowed_until > offset:
                del self._intake.held[topic, number]
                self._line.note(f"goes on with {topic} {number} at {offset}")

    def _heal_apart(self) -> None:
        self._heals = True

    def _heal(self) -> None:
        """As the healer's thread does, over connections of its own."""
        view = ViewPort(self._around.view, self._line)
        try:
            self._keeper(LedgerPort(self._around.ledger, view, self._line), view).heal()
        except (Unavailable, ViewMoved):
            self._line.note("could not heal")
        else:
            self._heals = False
            self._line.note("has healed apart")

    def _run(self, sweep: Sweep) -> None:
        """As `SweepRunner.run`: again while a dependency is away, dropped when refused."""
        self._line.note(f"takes {_spans(sweep)}")
        taken = self._lanes.take(sweep)
        while not self._attempt(taken):
            self._line.pause()
            self._send()
        self._book.leave(0)

    def _attempt(self, sweep: Sweep) -> bool:
        """Whether the sweep is over."""
        try:
            self._handlers[sweep.topic](sweep)
        except Refused as refusal:
            self._line.note(f"is refused: {refusal}")
            self._rewinds = True
        except Unavailable:
            return self._gives_up()
        return True

    def _send(self) -> None:
        """As `Sender.turn`, between two sweeps or while one waits."""
        try:
            self._outbound.turn()
        except Refused as refusal:
            self._line.note(f"is refused what goes out: {refusal}")
            self._rewinds = True
        except Unavailable:
            self._gives_up()

    def _send_all(self) -> None:
        while self._outbound:
            self._send()
            self._line.pause()

    def _gives_up(self) -> bool:
        """Whether a dependency has stayed away for too long; then nothing may go on."""
        if self._line.gives_up():
            self._line.note("gives up")
            self._abandon()
            return True
        return False

    def _abandon(self) -> None:
        """After a failed sweep nothing may go on.

        Raises: Fenced.
        """
        raise Fenced("a dependency stayed away")

    def _rewind(self) -> None:
        self._send_all()
        self._rewinds = False
        self._outbound.reset()
        self._book.forget()
        places = sorted(self._intake.positions)
        self._intake.drop(places)
        self._intake.positions.update(self._starts(places))

    def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        if self._topic_ids() != self._ids:
            raise TopicRemade("a topic was made again while it was read")
        return starting_offsets(self.consumer, places, self._ids, self._ledger.progress, TIMEOUT_S, TIMEOUT_S)

    def _sync(self) -> None:
        """Take note of a rebalance: drop what went, start with what came."""
        if self._kafka.members.get(self.slot) != self.name:
            raise Fenced("another member has this slot")
        if self._kafka.generation == self._generation:
            return
        self._drop(list(self._intake.positions))
        self._generation = self._kafka.generation
        self.idle = False
        given = [place for place, slot in sorted(self._kafka.owners.items()) if slot == self.slot]
        starts = self._starts(given)
        self._intake.positions.update(starts)
        self._book.starting.later(starts)
        self._line.note(f"is given {starts}")

    def _drop(self, places: Sequence[Place]) -> None:
        self._intake.drop(places)
        self._book.drop({*places})


def _spans(sweep: Sweep) -> str:
    places = zip(sweep.partition.tolist(), sweep.offset.tolist(), strict=True)
    return f"{sweep.topic} " + " ".join(f"{number}:{offset}" for number, offset in places)
