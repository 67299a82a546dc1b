"""A simulated worker: the poller's rules in one thread of work, around the real pipeline."""

from collections.abc import Callable, Mapping, Sequence

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
from streams.offsets import OwedOffsets, Place
from streams.poison import PoisonGate

TIMEOUT_S = 1.0
COMMITS_NOW, TENDS_NOW, HEALS_NOW, BOTH_TOPICS = 0.3, 0.2, 0.3, 0.3


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
        self._owed, self._starting = OwedOffsets(), OwedOffsets()
        self._outbox = SimulatedOutbox(
            kafka=around.kafka, slot=slot, line=line, member=name, owed=self._owed, wire=around.wire
        )
        plan = around.plan
        pipeline = build_pipeline(
            self._ledger,
            self._outbox,
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
        self._heals = False

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
        waits = unread or self._owed or self._starting or self._heals
        return self.idle and not waits and self._kafka.generation == self._generation

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
        if self._starting:
            self._starting.commit(self.consumer)
        if self._starting:
            self._line.pause()
            return
        if self._line.happens(COMMITS_NOW):
            self._owed.commit(self.consumer)
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
        self._owed.commit(self.consumer)
        self._tend()
        if not self._owed and not self._intake.waiting() and not self._heals:
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
        while True:
            try:
                self._handlers[sweep.topic](sweep)
                return
            except Refused as refusal:
                self._line.note(f"is refused: {refusal}")
                self._rewind()
                return
            except Unavailable:
                if self._line.gives_up():
                    self._line.note("gives up")
                    self._abandon(sweep)
                    return
                self._line.pause()

    def _abandon(self, sweep: Sweep) -> None:
        """After a failed sweep nothing may go on.

        Raises: Fenced.
        """
        raise Fenced("a dependency stayed away")

    def _rewind(self) -> None:
        self._owed.clear()
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
        self._starting.later(starts)
        self._line.note(f"is given {starts}")

    def _drop(self, places: Sequence[Place]) -> None:
        self._intake.drop(places)
        self._owed.drop(places)
        self._starting.drop(places)


def _spans(sweep: Sweep) -> str:
    places = zip(sweep.partition.tolist(), sweep.offset.tolist(), strict=True)
    return f"{sweep.topic} " + " ".join(f"{number}:{offset}" for number, offset in places)
