"""One schedule: a seed, played from its first record to rest."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import inf
from random import Random

from load.simulation.forger import forged_headers
from load.simulation.front import Front
from load.simulation.gateway import SimulatedGateway
from load.simulation.inputs import AHEAD_MS, Feed, last_record, seeded_inputs
from load.simulation.kafka import SimulatedKafka
from load.simulation.line import CALM, Line, Rates
from load.simulation.log import Topic
from load.simulation.notebook import Ending, Notebook, Process
from load.simulation.outages import Outages
from load.simulation.pipeline import LABEL_WAIT_S
from load.simulation.plan import NO_AIM, Aim, seeded_plan
from load.simulation.stores import SimulatedLedger, SimulatedView
from load.simulation.surroundings import Surroundings
from load.simulation.turns import Crashed, Task
from load.simulation.worker import Fenced, SimulatedWorker
from models.errors import LogBehindLedger, Unavailable
from models.transaction import decode_transaction

BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
MOST_CALM_TURNS = 6000
MANY = 10_000
MOST_UNEXPLAINED = 3  # whoever stops without a cause again and again will not come to rest
FEED_SHARE, WIRE_SHARE, RESTART_CHANCE = 0.15, 0.3, 0.15

Running = Process[SimulatedWorker] | Process[SimulatedGateway]


class Schedule:
    """A small world and its fate. `play` runs it to rest; the promise is checked on what is left then."""

    def __init__(self, seed: int, aim: Aim = NO_AIM) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.plan = plan = seeded_plan(self.random, aim)
        self.inputs = seeded_inputs(self.random, plan.mix)
        self.kafka = SimulatedKafka(generation=0, clock_ms=self.inputs.clock_ms)
        for name in ("transactions", "labels"):
            self.kafka.topics[name] = Topic(name, f"{name}-1", [[] for _ in range(plan.partitions)])
        self.ledger = SimulatedLedger(clock=lambda: self.step / 1000, now=self._now)
        self.view = SimulatedView(groups=plan.state_groups)
        self.notes = Notebook()
        self.processes: dict[int, Process[SimulatedWorker]] = {}
        self.zombies: list[Process[SimulatedWorker]] = []
        self.ahead_ms = AHEAD_MS
        self.step = 0
        self.rests = False
        self.cuts: dict[tuple[str, int], int] = {}  # from where on partitions have lost what was settled
        self.produced: set[bytes | None] = set()
        self._fed = 0
        self._started = 0
        self._epochs = 0
        self._rates: Rates = plan.rates
        self.around = Surroundings(
            kafka=self.kafka,
            ledger=self.ledger,
            view=self.view,
            plan=plan,
            random=self.random,
            wire=[],
            now=self._now,
            steps=lambda: self.step,
            new_epoch=self._new_epoch,
        )
        self.front = Front(self.around, self.inputs, self.notes, lambda: self._rates, self.note)
        self.outages = Outages(self.ledger, self.kafka, self.view, self.note)

    def play(self, disaster: Callable[["Schedule"], None], calm: Callable[["Schedule"], None]) -> None:
        """Storm, then calm. disaster: does one thing to the world. calm: repairs what operators repair."""
        try:
            for slot in range(self.plan.slots):
                self.start(slot)
            self.deal(list(self.processes))
            self.front.supervise(1.0)
            after = self.random.randint(20, 120)
            while not self.cuts and (self._fed < len(self.inputs.feeds) or after > 0):
                after -= self._fed == len(self.inputs.feeds)
                self._storm(disaster)
            self._calm(calm)
        finally:
            self.stop_all()

    def note(self, who: str, what: str) -> None:
        self.notes.lines.append((self.step, who, what))

    def _now(self) -> datetime:
        return BEGINS + timedelta(milliseconds=self.step)

    def _new_epoch(self) -> str:
        self._epochs += 1
        return f"e{self._epochs}"

    # The storm.

    def _storm(self, disaster: Callable[["Schedule"], None]) -> None:
        self.step += 1
        self.outages.end(self.step)
        drawn = self.random.random()
        ready = self._ready()
        share = WIRE_SHARE if self.around.wire else self.plan.event_share
        if drawn < share:
            disaster(self)
        elif self._fed < len(self.inputs.feeds) and (drawn < share + FEED_SHARE or not ready):
            self._feed()
        elif ready:
            self.resume(self.random.choice(ready))
        self._supervise(RESTART_CHANCE)
        self.front.supervise(RESTART_CHANCE)

    def _feed(self) -> None:
        for _ in range(self.random.choice((1, 1, 4, 8))):
            if self._fed < len(self.inputs.feeds):
                self._send(self.inputs.feeds[self._fed])
                self._fed += 1
        self.front.ask_again()

    def _send(self, feed: Feed) -> None:
        topic = self.kafka.topics[feed.topic]
        if feed.rest:
            self.front.ask(decode_transaction(feed.value))
            return
        if feed.topic == "transactions":
            self.produced.add(feed.value)
        headers = forged_headers(feed, self.random, self._now()) if feed.forged else None
        by_key = topic.partition_of(feed.key or b"")
        number = by_key if feed.partition is None else feed.partition % len(topic.partitions)
        self.kafka.append(feed.topic, number, feed.key, feed.value, headers)

    def _ready(self) -> list[Running]:
        every = [*self.processes.values(), *self.zombies]
        workers = [each for each in every if each.asleep_until <= self.step and each.worker.has_work()]
        return [*workers, *self.front.ready(self.step)]

    # Processes.

    def start(self, slot: int) -> None:
        """A new process in a slot, by the supervisor or by mistake beside a living one."""
        self._started += 1
        name = f"w{slot}.{self._started}"
        line = Line(name, self.random, lambda: self._rates, lambda: task.pause(), self.note)
        worker = SimulatedWorker(name, slot, self.around, line, self.ahead_ms)
        task = Task(worker.work)
        old = self.processes.get(slot)
        if old is not None:
            self.zombies.append(old)
        self.processes[slot] = Process(worker, task)
        self.kafka.members[slot] = name

    def deal(self, slots: list[int]) -> None:
        """A rebalance: every partition to one of these slots."""
        self.kafka.rebalance({place: self.random.choice(slots) for place in self.kafka.places()})
        self.note("group", f"generation {self.kafka.generation} among slots {slots}")

    def resume(self, process: Running) -> None:
        process.task.resume()
        if not process.task.done:
            return
        if isinstance(process.worker, SimulatedGateway):
            self.front.bury(process)
        else:
            self._bury(process)

    def _bury(self, process: Process[SimulatedWorker]) -> None:
        failure = process.task.failure
        if process in self.zombies:
            self.zombies.remove(process)
        else:
            self.processes.pop(process.worker.slot, None)
        name = process.worker.name
        self.note(name, f"ends: {type(failure).__name__} {failure}")
        if failure is not None and not isinstance(failure, Crashed | Fenced | Unavailable):
            self.notes.endings.append(Ending(name, failure))

    def kill(self, process: Process[SimulatedWorker]) -> None:
        process.task.kill()
        self._bury(process)

    def stop_all(self) -> None:
        self.front.stop_all()
        self.stop_workers()

    def stop_workers(self) -> None:
        for process in [*self.zombies, *self.processes.values()]:
            self.kill(process)

    def _supervise(self, chance: float) -> None:
        for slot in range(self.plan.slots):
            if slot not in self.processes and self.random.random() < chance:
                self.start(slot)

    def may_halt(self, name: str, code: str) -> None:
        """name: of a process, of a slot, or * for all."""
        self.notes.may_halt.setdefault(name, set()).add(code)

    # The calm.

    def _calm(self, repair: Callable[["Schedule"], None]) -> None:
        self._rates = CALM
        self.outages.end(inf)
        self.kafka.drops = False
        self.note("weather", "calm")
        repair(self)
        if self.cuts:
            self._come_to_rest(repair)
        if not self.stands_still:
            self._send_last_records()
            self._come_to_rest(repair)

    def _come_to_rest(self, repair: Callable[["Schedule"], None]) -> None:
        self.rests = False
        for _ in range(MOST_CALM_TURNS):
            self.step += 1
            self._supervise(1.0)
            self.front.supervise(1.0)
            ready = self._ready()
            if ready:
                self.resume(self.random.choice(ready))
            elif self.front.ask_again(1.0):
                continue
            elif self._quiet():
                self.rests = True
            else:
                repair(self)
                self._wake()
            if self.rests or self.stands_still or len(self.notes.unexplained()) > MOST_UNEXPLAINED:
                return

    @property
    def stands_still(self) -> bool:
        """Whether workers have stopped for good, as they must when the log has lost what was settled."""
        return bool(self.cuts) and any(
            isinstance(each.failure, LogBehindLedger) for each in self.notes.endings
        )

    def _send_last_records(self) -> None:
        """One for each partition: who was idle when the view was lost heals it when it reads again."""
        for number in range(len(self.kafka.topics["transactions"].partitions)):
            self.kafka.append("transactions", number, *last_record(self.inputs, number))

    def _wake(self) -> None:
        for process in [*self.processes.values(), *self.zombies]:
            process.worker.idle = False
        self.front.wake()

    def _quiet(self) -> bool:
        if self.zombies or not all(each.worker.settled for each in self.processes.values()):
            return False
        return not self.ledger.due_labels(None, MANY, LABEL_WAIT_S).labels and self.front.settled
