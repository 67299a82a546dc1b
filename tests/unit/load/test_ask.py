"""Asking through Kafka: each line has one answer, in the order of the lines."""

import msgspec
import pytest

from load.ask import POLL_S, Answer, Question, answers, ask
from load.doubles import FakeLedger
from models.errors import BadFile, KafkaUnavailable, Unavailable
from tests.builders import TOPIC_IDS, Worker, transaction
from tests.unit.load.producers import Clock, FakeProducer

TOPIC_ID = TOPIC_IDS["transactions"]


def lines(*documents: object) -> list[bytes]:
    return [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in documents]


def asked(producer: FakeProducer, *documents: object) -> list[Question]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("load.ask.Producer", producer)
        return ask({}, "transactions", lines(*documents), timeout_s=5)


def answered(questions: list[Question], ledger: FakeLedger, clock: Clock | None = None) -> list[Answer]:
    clock = clock or Clock()
    return list(answers(questions, ledger, TOPIC_ID, timeout_s=5, clock=clock, sleep=clock.sleep))


# Producing.


def test_each_line_is_produced_as_it_is_under_its_customers_key() -> None:
    producer = FakeProducer()
    document = b'{ "customer_id":"c-9", "transaction_id":"tx-9" }'
    questions = asked(producer, transaction("tx-1"), document)
    assert producer.log == [
        ("transactions", b"c-1", msgspec.json.encode(transaction("tx-1"))),
        ("transactions", b"c-9", document),
    ]
    assert [question.transaction_id for question in questions] == ["tx-1", "tx-9"]
    assert producer.config["partitioner"] == "murmur2_random"


@pytest.mark.parametrize(
    "line",
    [b"", b"{oops", b"\xff\xfe", b"[]", b"7", b"[" * 100_000, b'{"transaction_id":7,"customer_id":null}'],
    ids=["nothing", "no JSON", "no text", "a list", "a number", "too deep", "numbers for ids"],
)
def test_a_line_that_cannot_be_read_is_sent_without_a_key(line: bytes) -> None:
    producer = FakeProducer()
    (question,) = asked(producer, line)
    assert producer.log == [("transactions", None, line)]
    assert question.transaction_id is None


def test_a_question_knows_where_its_line_went() -> None:
    producer = FakeProducer()
    questions = asked(producer, *(transaction(f"tx-{n}", customer_id=f"c-{n % 2}") for n in range(4)))
    places = [(question.partition, question.offset) for question in questions]
    assert places == [(places[0][0], 0), (places[1][0], 0), (places[0][0], 1), (places[1][0], 1)]
    assert places[0][0] != places[1][0]


@pytest.mark.parametrize(
    "producer",
    [FakeProducer(refused=frozenset({b"2"})), FakeProducer(stuck=True), FakeProducer(stuck=True, room=1)],
    ids=["refused", "waiting", "more than may wait"],
)
def test_lines_that_kafka_does_not_take_are_told(producer: FakeProducer) -> None:
    with pytest.raises(KafkaUnavailable, match="did not take all") as refused:
        asked(producer, b"1", b"2")
    assert refused.value.next_step


# Waiting for the answers.


def test_answers_come_in_the_order_of_the_questions_whatever_became_of_each() -> None:
    worker = Worker()
    documents = [transaction("a"), b"{oops", transaction("b", amount_minor=200_000), transaction("a")]
    worker.decide(*documents)
    questions = [Question(name, 0, offset) for offset, name in enumerate(["a", None, "b", "a"])]
    found = answered(questions, worker.ledger)
    assert [answer.question for answer in found] == questions
    assert [answer.decided and answer.decided.decision for answer in found] == [
        "approve",
        None,
        "decline",
        "approve",
    ]
    assert found[1].reason == "not_json"
    assert found[1].detail


def test_an_id_that_was_decided_before_has_that_decision() -> None:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=500))
    worker.decide(transaction("a", amount_minor=999_999))
    (answer,) = answered([Question("a", 0, 1)], worker.ledger)
    assert answer.decided is not None
    assert (answer.decided.decision, answer.decided.amount_minor) == ("approve", 500)
    assert (answer.reason, answer.detail) == (None, None)


class Busy(FakeLedger):
    """A ledger that gets to the question after some looks at its progress."""

    looks = 0

    def progress(self, topic_id: str, numbers: object) -> dict[int, int]:
        self.looks += 1
        return {0: 1 if self.looks > 20 else 0}


def test_an_answer_is_waited_for_until_the_ledger_is_past_the_question() -> None:
    clock = Clock()
    assert len(answered([Question("a", 0, 0)], Busy(), clock)) == 1
    assert clock.now_s == pytest.approx(20 * POLL_S)


def test_an_answer_that_does_not_come_in_time_is_told() -> None:
    clock = Clock()
    with pytest.raises(Unavailable, match="no decision within 5 s") as late:
        answered([Question("a", 0, 0)], FakeLedger(), clock)
    assert 5 < clock.now_s < 5.1
    assert late.value.next_step == "fraudml status"


def test_the_first_answer_is_given_before_the_last_one_is_there() -> None:
    worker, clock = Worker(), Clock()
    worker.decide(transaction("a"))
    stream = answers(
        [Question("a", 0, 0), Question("b", 0, 1)],
        worker.ledger,
        TOPIC_ID,
        timeout_s=5,
        clock=clock,
        sleep=clock.sleep,
    )
    first = next(stream)
    assert first.decided is not None
    assert clock.now_s == 0
    worker.decide(transaction("b"))
    assert [answer.question.transaction_id for answer in stream] == ["b"]


def test_a_line_that_no_record_can_hold_is_refused_before_any_is_sent() -> None:
    producer = FakeProducer()
    with pytest.raises(BadFile, match="line 2 has 1,048,000 bytes"):
        asked(producer, b"1", b"x" * 1_048_000)
    assert producer.log == []
