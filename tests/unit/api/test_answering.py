"""The synchronous path: decided once, kept before it is told, with whatever still answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from api.answering import Answer, Answering
from api.breaker import Breaker
from api.publishing import value_of
from models.decision import NO_HISTORY, DecidedTransaction
from models.errors import AnswerLost, FraudError, OtherBody, SchemaUnknown
from models.features import FEATURE_NAMES
from models.scorer import Scorer
from models.transaction import Transaction, decode_transaction
from models.without_model import NO_MODEL, WithoutModel
from streams.answered import Answered, Signer
from tests.builders import Worker, continued, decider, scorer, transaction

KEY = b"a key of gateways and workers"


@dataclass
class PlayedLog:
    """Stands for Kafka. takes: whether it does."""

    takes: bool = True
    sent: list[Answered] = field(default_factory=list)

    def send(self, answers: Sequence[Answered]) -> None:
        if self.takes:
            self.sent += answers

    def send_durably(self, answers: Sequence[Answered]) -> set[str]:
        self.send(answers)
        return {each.decided.transaction_id for each in answers} if self.takes else set()


class Gateway:
    """A gateway beside a worker, over the same stores."""

    def __init__(self) -> None:
        self.worker = Worker(signer=Signer(KEY))
        self.log = PlayedLog()
        self.failed: list[str] = []
        self.now_s = 0.0
        self.answering = self.another()

    def another(self, scored_by: Callable[[], Scorer] = scorer) -> Answering:
        return Answering(
            ledger=self.worker.ledger,
            keeper=self.worker.keeper,
            decider=decider(scored_by, self.worker.metrics, path="rest"),
            log=self.log,
            ledger_breaker=Breaker("postgres", lambda: self.now_s),
            view_breaker=Breaker("redis", lambda: self.now_s),
            failed=self.failed.append,
        )

    def ask(self, *documents: dict[str, Any]) -> list[Answer | FraudError]:
        return self.answering.answer([asked(document) for document in documents])

    def decide(self, document: dict[str, Any]) -> Answer:
        (told,) = self.ask(document)
        assert isinstance(told, Answer)
        return told

    def deliver(self) -> None:
        """What was sent comes to the worker."""
        records = [msgspec.json.decode(value_of(each.decided)) for each in self.log.sent]
        sweep = continued(self.worker.ledger, "transactions", records)
        signer = Signer(KEY)
        headers = [
            signer.headers(value or b"", each)
            for value, each in zip(sweep.values, self.log.sent, strict=True)
        ]
        self.worker.handle(replace(sweep, headers=headers))
        self.log.sent = []


def asked(document: dict[str, Any]) -> Transaction:
    return decode_transaction(msgspec.json.encode(document))


def decided_of(told: Answer | FraudError) -> DecidedTransaction:
    assert isinstance(told, Answer)
    return told.decided


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def test_an_answer_is_in_the_ledger_before_it_is_told(gateway: Gateway) -> None:
    told = gateway.decide(transaction("a"))
    assert (told.decided.path, told.durable) == ("rest", "ledger")
    assert gateway.worker.ledger.decision("a") == told.decided


def test_the_same_question_has_the_same_answer(gateway: Gateway) -> None:
    first = gateway.decide(transaction("a"))
    assert gateway.decide(transaction("a")) == first
    assert len(gateway.log.sent) == 1


def test_another_body_under_a_known_id_is_refused(gateway: Gateway) -> None:
    gateway.decide(transaction("a"))
    (told,) = gateway.ask(transaction("a", amount_minor=1))
    assert isinstance(told, OtherBody)


def test_what_the_stream_has_decided_is_the_answer(gateway: Gateway) -> None:
    gateway.worker.decide(transaction("a"))
    told = gateway.decide(transaction("a"))
    assert told.decided.path == "stream"
    assert gateway.log.sent == []


def test_its_record_claims_the_row_and_counts_it_once(gateway: Gateway) -> None:
    told = gateway.decide(transaction("a", amount_minor=90_000))
    gateway.deliver()
    assert gateway.worker.ledger.rows["a"].owner is not None
    assert gateway.worker.ledger.decision("a") == told.decided
    assert [alert.transaction_id for alert in gateway.worker.outbox.alerts] == ["a"]


def test_it_counts_what_workers_have_applied(gateway: Gateway) -> None:
    for name in "abc":
        gateway.worker.decide(transaction(name))
    gateway.decide(transaction("d"))
    paid = FEATURE_NAMES.index("customer_tx_count_30d")
    assert [gateway.worker.ledger.rows[name].features[paid] for name in "abcd"] == [1, 2, 3, 4]


def test_requests_of_one_sweep_do_not_count_each_other(gateway: Gateway) -> None:
    """One of them may be decided, and counted, already; or be refused."""
    gateway.worker.decide(transaction("a"))
    gateway.ask(transaction("a"), transaction("b"), transaction("c"))
    paid = FEATURE_NAMES.index("customer_tx_count_30d")
    assert [gateway.worker.ledger.rows[name].features[paid] for name in "abc"] == [1, 2, 2]


def test_without_histories_it_says_so(gateway: Gateway) -> None:
    gateway.worker.view.reachable = False
    told = gateway.decide(transaction("a"))
    assert (told.decided.degraded_reason, told.durable) == (NO_HISTORY, "ledger")
    assert gateway.failed == ["redis"]


def test_without_the_ledger_kafka_keeps_the_answer_and_workers_store_it(gateway: Gateway) -> None:
    gateway.decide(transaction("first"))
    gateway.log.sent = []
    gateway.worker.ledger.reachable = False
    told = gateway.decide(transaction("a", amount_minor=90_000))
    assert (told.durable, gateway.failed) == ("log", ["postgres"])
    gateway.worker.ledger.reachable = True
    gateway.deliver()
    assert gateway.worker.ledger.decision("a") == told.decided


def test_without_the_ledger_who_asks_again_hears_the_same(gateway: Gateway) -> None:
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    first = gateway.decide(transaction("a"))
    assert gateway.decide(transaction("a")) == first
    (other,) = gateway.ask(transaction("a", amount_minor=1))
    assert isinstance(other, OtherBody)


def test_without_the_ledger_what_is_refused_is_sent_nowhere(gateway: Gateway) -> None:
    gateway.decide(transaction("a"))
    gateway.worker.ledger.reachable = False
    gateway.log.sent = []
    (told,) = gateway.ask(transaction("a", amount_minor=1))
    assert isinstance(told, OtherBody)
    assert gateway.log.sent == []


def test_without_the_ledger_who_asks_again_hears_what_was_told_before_it_went(gateway: Gateway) -> None:
    gateway.worker.decide(transaction("b"))
    first = [gateway.decide(transaction(name)).decided for name in "ab"]
    gateway.worker.ledger.reachable = False
    gateway.worker.view.reachable = False
    assert [gateway.decide(transaction(name)).decided for name in "ab"] == first


def test_a_decision_of_the_stream_is_not_written_again_by_a_gateway(gateway: Gateway) -> None:
    """An older ledger was put back, under one who remembers what has been lost."""
    gateway.worker.decide(transaction("a"))
    gateway.decide(transaction("a"))
    del gateway.worker.ledger.rows["a"]
    assert gateway.decide(transaction("a")).decided.path == "rest"


def test_what_can_be_kept_nowhere_is_not_told(gateway: Gateway) -> None:
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    gateway.log.takes = False
    (told,) = gateway.ask(transaction("a"))
    assert isinstance(told, AnswerLost)


def test_what_kafka_took_too_late_to_be_told_is_told_when_asked_again(gateway: Gateway) -> None:
    """The first answer may have arrived after all: a second one of its own would contradict it."""
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    gateway.log.takes = False
    gateway.ask(transaction("a"))
    gateway.log.takes = True
    gateway.decide(transaction("a"))
    gateway.decide(transaction("a"))
    first, again = (each for each in gateway.log.sent if each.decided.transaction_id == "a")
    assert again is first


def test_each_of_a_sweep_has_its_own_answer(gateway: Gateway) -> None:
    gateway.decide(transaction("a"))
    gateway.decide(transaction("b"))
    told = gateway.ask(
        transaction("a"), transaction("b", amount_minor=1), transaction("c", amount_minor=90_000)
    )
    assert decided_of(told[0]).transaction_id == "a"
    assert isinstance(told[1], OtherBody)
    assert decided_of(told[2]).decision != "approve"


def test_a_ledger_that_has_failed_often_is_left_alone_for_a_while(gateway: Gateway) -> None:
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    for name in "abcde":
        gateway.decide(transaction(name))
    gateway.worker.ledger.reachable = True
    assert gateway.decide(transaction("f")).durable == "log"
    gateway.now_s = 5.0
    assert gateway.decide(transaction("g")).durable == "ledger"
    assert gateway.decide(transaction("h")).durable == "ledger"


def test_a_ledger_that_was_only_slow_is_asked_where_kafka_takes_nothing(gateway: Gateway) -> None:
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    for name in "abcde":
        gateway.decide(transaction(name))
    gateway.log.takes = False
    for name in "fghi":
        assert isinstance(gateway.ask(transaction(name))[0], AnswerLost)
    gateway.worker.ledger.reachable = True
    assert isinstance(gateway.ask(transaction("j"))[0], AnswerLost)
    gateway.now_s = 0.5
    assert gateway.decide(transaction("k")).durable == "ledger"
    assert gateway.decide(transaction("l")).durable == "ledger"


def test_a_ledger_of_another_schema_is_one_that_is_away(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(answers: Sequence[Answered]) -> Any:
        raise SchemaUnknown("the ledger has schema 0009")

    monkeypatch.setattr(gateway.worker.ledger, "answer", changed)
    assert gateway.decide(transaction("a")).durable == "log"
    assert gateway.failed == ["postgres"]


def test_what_kafka_does_not_take_either_is_its_failure_too(gateway: Gateway) -> None:
    gateway.worker.ledger.reachable = False
    gateway.log.takes = False
    assert isinstance(gateway.ask(transaction("a"))[0], AnswerLost)
    assert gateway.failed == ["postgres", "kafka"]


def test_who_asks_again_hears_the_same_when_the_ledger_is_back_before_the_record(gateway: Gateway) -> None:
    """The signed record is on its way still: another decision in the ledger would contradict it."""
    gateway.decide(transaction("first"))
    gateway.worker.ledger.reachable = False
    told = gateway.decide(transaction("a", amount_minor=90_000))
    gateway.worker.ledger.reachable = True
    gateway.worker.decide(transaction("another of the same customer"))
    again = gateway.decide(transaction("a", amount_minor=90_000))
    assert (again.decided, again.durable) == (told.decided, "ledger")
    assert gateway.worker.ledger.decision("a") == told.decided


def test_without_a_model_the_policy_decides_by_the_amount_and_says_so(gateway: Gateway) -> None:
    fallback = WithoutModel(scorer().router, scorer().policy)
    gateway.answering = gateway.another(lambda: fallback)
    small = gateway.decide(transaction("a", amount_minor=4_000)).decided
    large = gateway.decide(transaction("b", amount_minor=90_000)).decided
    assert (small.decision, large.decision) == ("approve", "review")
    assert {small.degraded_reason, large.degraded_reason} == {NO_MODEL}
    assert large.model_name == "none"
    assert large.variant == scorer().router.assign(large.customer_id)
    gateway.deliver()
    assert [alert.transaction_id for alert in gateway.worker.outbox.alerts] == ["b"]


# Decisions that have left for the archive.


def test_an_archived_transaction_has_the_same_answer_and_is_not_sent_again(gateway: Gateway) -> None:
    first = gateway.decide(transaction("a", attributes={"channel": "web"}))
    gateway.deliver()
    gateway.worker.ledger.archive("a")
    gateway.answering = gateway.another()
    again = gateway.decide(transaction("a", attributes={"channel": "web"}))
    assert again == first
    assert gateway.log.sent == []
    assert gateway.worker.ledger.rows == {}


def test_another_body_under_an_archived_id_is_refused(gateway: Gateway) -> None:
    gateway.decide(transaction("a"))
    gateway.worker.ledger.archive("a")
    gateway.answering = gateway.another()
    told = gateway.ask(transaction("b"), transaction("a", amount_minor=7))
    assert isinstance(told[0], Answer)
    assert isinstance(told[1], OtherBody)


def test_what_was_archived_is_not_sent_to_kafka_while_the_ledger_is_away(gateway: Gateway) -> None:
    """Only this process' own new decision could be: it does not remember the archived one as its own."""
    gateway.decide(transaction("a"))
    gateway.deliver()
    gateway.worker.ledger.archive("a")
    gateway.answering = gateway.another()
    first = gateway.decide(transaction("a"))
    gateway.worker.ledger.reachable = False
    told = gateway.decide(transaction("a"))
    assert told.durable == "log"
    gateway.worker.ledger.reachable = True
    gateway.deliver()
    assert gateway.decide(transaction("a")) == first
