"""What befalls the world between two turns of its workers, and what operators do about it."""

from load.doubles import Group
from load.simulation.inputs import AHEAD_LATER_MS, AHEAD_MS
from load.simulation.log import Topic
from load.simulation.notebook import Lost, Process
from load.simulation.schedule import Schedule
from load.simulation.stores import SimulatedLedger
from load.simulation.worker import SimulatedWorker
from streams.offsets import Place
from streams.topics import Partition

ARRIVES_NEXT = 0.6  # what is on the wire does not stay there for long


class Disasters:
    """Draws and does them; keeps the backups that some of them put back."""

    def __init__(self) -> None:
        self._views: list[list[Group]] = []
        self._backups: list[SimulatedLedger] = []
        self._made = 1
        self._expired: dict[Place, int] = {}

    def strike(self, schedule: Schedule) -> None:
        """One disaster of the plan, drawn by weight; some need something that is not always there."""
        events = schedule.plan.events
        if not events:
            return
        name = schedule.random.choices(list(events), list(events.values()))[0]
        if schedule.around.wire and schedule.random.random() < ARRIVES_NEXT:
            name = "late_commit"
        if getattr(self, f"_{name}")(schedule) is not False:
            schedule.note("world", name)

    def repair(self, schedule: Schedule) -> None:
        """What ends with the storm: sleepers wake, transactions of the dead time out, all get a share."""
        for process in [*schedule.processes.values(), *schedule.zombies]:
            process.asleep_until = 0
        for gateway in schedule.front.gateways.values():
            gateway.asleep_until = 0
        schedule.around.wire.clear()
        self._allow(schedule, whole=True)
        self._set_offsets(schedule)
        for slot, flight in list(schedule.kafka.flights.items()):
            names = [each.worker.name for each in [*schedule.processes.values(), *schedule.zombies]]
            if flight.member not in names:
                schedule.kafka.abort(slot)
        if set(schedule.kafka.places()) != set(schedule.kafka.owners) or schedule.kafka.generation == 0:
            schedule.deal(list(range(schedule.plan.slots)))

    def _rebalance(self, schedule: Schedule) -> None:
        slots = range(schedule.plan.slots)
        schedule.deal(schedule.random.sample(slots, schedule.random.randint(1, len(slots))))

    def _pause(self, schedule: Schedule) -> None:
        process = self._some(schedule)
        if process is not None:
            process.asleep_until = schedule.step + schedule.random.randint(10, 80)
            schedule.note(process.worker.name, f"hangs until {process.asleep_until}")

    def _zombie(self, schedule: Schedule) -> bool:
        """A worker hangs for so long that the group gives its partitions to others; then it goes on."""
        process = self._some(schedule)
        others = [slot for slot in range(schedule.plan.slots) if process and slot != process.worker.slot]
        if process is None or not others:
            return False
        process.asleep_until = schedule.step + schedule.random.randint(10, 60)
        schedule.deal(others)
        return True

    def _some(self, schedule: Schedule) -> Process[SimulatedWorker] | None:
        alive = list(schedule.processes.values())
        return schedule.random.choice(alive) if alive else None

    def _second_instance(self, schedule: Schedule) -> None:
        """The supervisor takes a worker for dead that only hangs."""
        process = self._some(schedule)
        if process is not None:
            process.asleep_until = schedule.step + schedule.random.randint(0, 80)
            # Whoever opens its outbox last fences the others, be it the oldest.
            schedule.may_halt(f"w{process.worker.slot}", "slot_taken")
            schedule.start(process.worker.slot)

    def _cut(self, schedule: Schedule) -> None:
        for process in [*schedule.processes.values(), *schedule.zombies]:
            process.worker.view.lost = True
        for gateway in schedule.front.gateways.values():
            gateway.worker.view.lost = True

    def _ledger_away(self, schedule: Schedule) -> None:
        self._away(schedule, "ledger")

    def _kafka_away(self, schedule: Schedule) -> None:
        """For producers; what workers meet of it, their own calls do."""
        self._away(schedule, "kafka")

    def _view_away(self, schedule: Schedule) -> None:
        self._away(schedule, "view")
        self._cut(schedule)

    def _away(self, schedule: Schedule, store: str) -> None:
        schedule.outages.begin(store, schedule.step + schedule.random.randint(10, 60))

    def _kill_gateway(self, schedule: Schedule) -> bool:
        gateways = schedule.front.gateways
        if gateways:
            schedule.front.kill(gateways[schedule.random.choice(sorted(gateways))])
        return bool(gateways)

    def _pause_gateway(self, schedule: Schedule) -> bool:
        gateways = schedule.front.gateways
        if gateways:
            slot = schedule.random.choice(sorted(gateways))
            gateways[slot].asleep_until = schedule.step + schedule.random.randint(10, 60)
        return bool(gateways)

    def _reconnect(self, schedule: Schedule) -> None:
        self._cut(schedule)

    def _wipe(self, schedule: Schedule) -> None:
        schedule.view.wipe()
        self._cut(schedule)

    def _keep_view(self, schedule: Schedule) -> None:
        self._views.append(schedule.view.snapshot())

    def _lose_writes(self, schedule: Schedule) -> bool:
        if not self._views:
            return False
        earlier = schedule.random.choice(self._views)
        for number in range(schedule.view.groups):
            if schedule.random.random() < 0.7:
                schedule.view.lose(number, earlier[number])
        self._cut(schedule)
        return True

    def _backup(self, schedule: Schedule) -> None:
        self._backups.append(schedule.ledger.snapshot())

    def _restore(self, schedule: Schedule) -> bool:
        if not self._backups:
            return False
        schedule.stop_all()
        schedule.ledger.restore(schedule.random.choice(self._backups), f"ledger-{schedule.ledger.eras + 2}")
        schedule.kafka.era = schedule.ledger.eras
        schedule.view.forget_applied()
        return True

    def _upgrade(self, schedule: Schedule) -> None:
        """From now on processes start with another decoder; one does so at once."""
        schedule.ahead_ms = AHEAD_LATER_MS if schedule.ahead_ms == AHEAD_MS else AHEAD_MS
        process = self._some(schedule)
        if process is not None:
            schedule.kill(process)

    def _remake_topic(self, schedule: Schedule) -> None:
        self._set_offsets(schedule)
        schedule.stop_workers()
        kafka = schedule.kafka
        name = schedule.random.choice(sorted(kafka.topics))
        old = kafka.topics[name]
        for slot in list(kafka.flights):
            kafka.abort(slot)
        committed = {number: kafka.offsets.pop((name, number), 0) for number in range(len(old.partitions))}
        schedule.notes.lost.append(Lost(old, committed))
        self._made += 1
        kafka.topics[name] = Topic(name, f"{name}-{self._made}", [[] for _ in old.partitions])

    def _add_partition(self, schedule: Schedule) -> None:
        topic = schedule.random.choice(sorted(schedule.kafka.topics))
        partitions = schedule.kafka.topics[topic].partitions
        if len(partitions) < 4:
            partitions.append([])
            schedule.deal(list(range(schedule.plan.slots)))

    def _time_out(self, schedule: Schedule) -> bool:
        """Kafka aborts what was left open for too long, and fences whoever left it open."""
        kafka = schedule.kafka
        if not kafka.flights:
            return False
        slot = schedule.random.choice(sorted(kafka.flights))
        schedule.may_halt(kafka.flights[slot].member, "slot_taken")
        kafka.fence(slot)
        return True

    def _late_commit(self, schedule: Schedule) -> bool:
        """A commit that a worker sent before it died arrives; its successor may have fenced it."""
        if not schedule.around.wire:
            return False
        slot, epoch = schedule.around.wire.pop(0)
        fenced = schedule.kafka.holders.get(slot) != epoch
        if not fenced:
            schedule.kafka.commit(slot)
        return not fenced

    def _allow(self, schedule: Schedule, whole: bool = False) -> bool:
        """Somebody has looked at the malformed records, and lets some of them pass, or all there are."""
        if not schedule.ledger.reachable:
            return False
        held = [
            (place, offset)
            for process in [*schedule.processes.values(), *schedule.zombies]
            for place, offset in process.worker.held.items()
        ]
        for (name, number), offset in held if whole else held[:1]:
            topic = schedule.kafka.topics[name]
            until = topic.end(number) if whole else offset + schedule.random.randint(1, 6)
            schedule.ledger.allow_poison(name, Partition(topic.topic_id, number), until)
        return bool(held)

    def _expire_offsets(self, schedule: Schedule) -> bool:
        """Kafka forgets the group's offsets: whoever starts must stop, until somebody sets them again."""
        if self._expired or schedule.kafka.flights or not schedule.kafka.offsets:
            return False
        schedule.stop_workers()
        schedule.around.wire.clear()
        self._expired = dict(schedule.kafka.offsets)
        schedule.kafka.offsets.clear()
        schedule.may_halt("*", "offsets_missing")
        return True

    def _set_offsets(self, schedule: Schedule) -> None:
        """Kafka lets nobody set the offsets of a group that is at work."""
        if self._expired:
            schedule.stop_workers()
        for place, offset in self._expired.items():
            schedule.kafka.offsets.setdefault(place, offset)
        self._expired = {}

    def _truncate(self, schedule: Schedule) -> None:
        """The log loses records that were settled; operators did not notice."""
        schedule.stop_all()
        topic = schedule.kafka.topics["transactions"]
        for number, records in enumerate(topic.partitions):
            progress = schedule.ledger.next_offsets.get(Partition(topic.topic_id, number), 0)
            if progress > 1:
                cut = schedule.random.randrange(progress)
                del records[cut:]
                schedule.cuts[topic.topic_id, number] = cut
                schedule.may_halt("*", "log_behind_ledger")
