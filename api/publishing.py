"""The records of answers: a transaction, and in its headers the decision under the gateway's signature."""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from confluent_kafka import Message

from api.breaker import Breaker
from api.producing import Arrivals, Headers, Producing
from models.decision import DecidedTransaction
from models.errors import BreakerOpen, KafkaUnavailable
from models.transaction import Transaction
from streams.answered import Answered, Signer
from streams.codecs import encode
from streams.ports import Produced
from streams.tracing import TRACE_HEADER

# Of each answer: where its record went, or None where it did not arrive.
Told = Callable[[str, Produced | None], None]


class KafkaAnswerLog:
    """`api.answering.AnswerLog`.

    topic_id: of the topic as it is now. within_s: how long an answer may wait for Kafka alone. breaker: keeps
    answers from waiting for a Kafka that has taken none for a while. trace: that of the request about a
    transaction id, if there is one.
    """

    def __init__(
        self,
        producing: Producing,
        topic: str,
        *,
        topic_id: Callable[[], str],
        signer: Signer,
        within_s: float,
        breaker: Breaker,
        trace: Callable[[str], str | None] = lambda transaction_id: None,
    ) -> None:
        self._producing = producing
        self._topic = topic
        self._topic_id = topic_id
        self._signer = signer
        self._within_s = within_s
        self._trace = trace
        self._breaker = breaker
        self._places: dict[str, Produced] = {}
        self._told = Lock()

    def send(self, answers: Sequence[Answered]) -> None:
        for each in answers:
            self._produce(each, self._arrived)

    def send_durably(self, answers: Sequence[Answered]) -> set[str]:
        try:
            with self._breaker.call():
                return self._written(answers)
        except (KafkaUnavailable, BreakerOpen):
            return set()

    def _written(self, answers: Sequence[Answered]) -> set[str]:
        """
        Raises:
            KafkaUnavailable: Kafka has none of them yet.
        """
        arrivals = Arrivals(each.decided.transaction_id for each in answers)
        for each in answers:
            self._produce(each, lambda name, place: arrivals.hear(name, place is not None))
        return arrivals.within(self._within_s)

    def take_places(self) -> Mapping[str, Produced]:
        """Where records have arrived since the last call."""
        with self._told:
            places, self._places = self._places, {}
        return places

    def _arrived(self, name: str, place: Produced | None) -> None:
        if place is not None:
            with self._told:
                self._places[name] = place

    def _produce(self, answered: Answered, told: Told) -> None:
        decided = answered.decided
        value, topic_id = value_of(decided), self._topic_id()

        def delivered(error: str | None, message: Message) -> None:
            place = None if error else Produced(topic_id, message.partition(), message.offset())
            told(decided.transaction_id, place)

        headers = [*self._signer.headers(value, answered), *traced(self._trace(decided.transaction_id))]
        try:
            self._producing.send(self._topic, decided.customer_id, value, delivered, headers)
        except KafkaUnavailable:
            told(decided.transaction_id, None)


def traced(trace: str | None) -> Headers:
    """A record's header, where there is a trace."""
    return [(TRACE_HEADER, trace.encode())] if trace else []


def value_of(decided: DecidedTransaction) -> bytes:
    """The transaction as its caller could have produced it."""
    return encode(Transaction(**{name: getattr(decided, name) for name in Transaction.__struct_fields__}))
