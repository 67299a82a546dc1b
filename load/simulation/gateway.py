"""A simulated gateway process: the real answering, relay and signer, in turns of one thread."""

from collections.abc import Sequence

from api.answering import Answer, Answering
from api.breaker import Breaker
from api.publishing import KafkaAnswerLog
from api.relay import Relay
from load.simulation.callers import Callers
from load.simulation.line import Line
from load.simulation.pipeline import SIGNER, build_decider, metrics
from load.simulation.ports import AnswerPort, LedgerPort, ViewPort
from load.simulation.producing import SimulatedProducing
from load.simulation.surroundings import Surroundings
from models.errors import FraudError, Unavailable, ViewMoved
from models.transaction import Transaction
from streams.answered import Answered
from streams.healing import ViewKeeper

# A step is a millisecond: after so many it is known where the record of an answer went.
OLDER_S = 0.02
# For a breaker it is longer, so that one that opened closes within a schedule.
BREAKER_S_PER_STEP = 0.1
MOST_AT_ONCE = 4
RELAYS_NOW, HEALS_NOW, DELIVERS_NOW = 0.2, 0.3, 0.5


class SimulatedGateway:
    """One process, from its start to its death. slot: which gateway it is."""

    def __init__(self, name: str, slot: int, around: Surroundings, line: Line, callers: Callers) -> None:
        self.name = name
        self.slot = slot
        self.idle = False
        self.view = ViewPort(around.view, line)
        self._around = around
        self._line = line
        self._callers = callers
        self._waiting: dict[str, Transaction] = {}
        self._in_work: list[Transaction] = []
        self._heals = False
        self._topic_id = around.kafka.topics["transactions"].topic_id
        answers = AnswerPort(around.ledger, line)
        self._producing = SimulatedProducing(around.kafka, line)
        log = KafkaAnswerLog(
            self._producing,
            "transactions",
            topic_id=lambda: self._topic_id,
            signer=SIGNER,
            within_s=0.0,
            breaker=Breaker("kafka", self._breaker_s),
        )
        self._answering = Answering(
            ledger=answers,
            keeper=self._keeper(self.view, apart=True),
            decider=build_decider("rest", around.plan.retention, around.now, self._made),
            log=log,
            ledger_breaker=Breaker("postgres", self._breaker_s),
            view_breaker=Breaker("redis", self._breaker_s),
        )
        self._relay = Relay(
            answers, places=log.take_places, send=log.send, topic_id=self._look_up_topic, older_s=OLDER_S
        )

    def _keeper(self, view: ViewPort, apart: bool) -> ViewKeeper:
        around = self._around
        return ViewKeeper(
            LedgerPort(around.ledger, view, self._line),
            view,
            around.new_epoch,
            metrics(),
            heal_apart=self._heal_apart if apart else None,
            chunk_rows=around.plan.chunk_rows,
        )

    def _made(self, answers: Sequence[Answered], degraded: bool) -> None:
        self._around.ledger.note_made(answers, self.name, self.view.read_at, self.view.applied_at, degraded)

    def _breaker_s(self) -> float:
        return self._around.steps() * BREAKER_S_PER_STEP

    def _look_up_topic(self) -> str:
        self._topic_id = self._around.kafka.topics["transactions"].topic_id
        return self._topic_id

    def _heal_apart(self) -> None:
        self._heals = True

    def ask(self, transaction: Transaction) -> None:
        """As `api.gathering.Gathering.ask`."""
        name = transaction.transaction_id
        if name in self._waiting or any(each.transaction_id == name for each in self._in_work):
            self._callers.refuse(transaction, self.name, self._around.ledger.eras)
            return
        self._waiting[name] = transaction

    def hang_up(self) -> None:
        """The process is gone, and with it every connection."""
        for transaction in [*self._in_work, *self._waiting.values()]:
            self._callers.tell(transaction, None, self.name, self._around.ledger.eras)

    def work(self) -> None:
        """Until something ends it."""
        self._line.note("starts")
        while True:
            self._turn()

    def has_work(self) -> bool:
        return not self.idle or bool(self._waiting)

    @property
    def settled(self) -> bool:
        return self.idle and not (self._waiting or self._producing.waiting or self._heals)

    def _turn(self) -> None:
        if self._producing.waiting and self._line.happens(DELIVERS_NOW):
            self._producing.deliver()
        if self._heals and self._line.happens(HEALS_NOW):
            self._heal()
        if self._waiting:
            self._sweep()
        elif not self._producing.waiting and not self._heals:
            self._rest()
        if self._line.happens(RELAYS_NOW):
            self._safely_relay()

    def _rest(self) -> None:
        self._safely_relay()
        if not self._waiting and not self._producing.waiting:
            self.idle = True
            self._line.pause()

    def _safely_relay(self) -> None:
        """As the relay's thread does."""
        try:
            self._relay.turn()
        except FraudError as error:
            self._line.note(f"cannot relay: {error}")

    def _heal(self) -> None:
        """As the healer's thread does, over connections of its own."""
        try:
            self._keeper(ViewPort(self._around.view, self._line), apart=False).heal()
        except (Unavailable, ViewMoved):
            self._line.note("could not heal")
        else:
            self._heals = False

    def _sweep(self) -> None:
        self.idle = False
        names = list(self._waiting)[:MOST_AT_ONCE]
        self._in_work = [self._waiting.pop(name) for name in names]
        self._line.note(f"is asked for {' '.join(names)}")
        for asked, told in zip(self._in_work, self._answering.answer(self._in_work), strict=True):
            self._line.note(f"tells of {asked.transaction_id}: {_words(told)}")
            self._callers.tell(asked, told, self.name, self._around.ledger.eras)
        self._in_work = []


def _words(told: Answer | FraudError) -> str:
    return f"{told.decided.decision}, {told.durable}" if isinstance(told, Answer) else type(told).__name__
