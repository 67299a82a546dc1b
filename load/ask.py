"""Ask through Kafka: produce transactions, then wait for what the ledger says of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from confluent_kafka import Message, Producer

from models.decision import DecidedTransaction
from models.errors import BadFile, KafkaUnavailable, Unavailable
from streams.kafka import Config
from streams.ports import Recorded
from streams.topics import LARGEST_RECORD_BYTES

POLL_S = 0.005
# A record has a key and a frame besides.
LARGEST_LINE_BYTES = LARGEST_RECORD_BYTES - 1024


class Answers(Protocol):
    """The ledger, as far as asking goes."""

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]: ...

    def recorded(self, topic_id: str, spans: dict[int, tuple[int, int]]) -> Recorded: ...

    def decision(self, transaction_id: str) -> DecidedTransaction | None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A line that was produced. transaction_id: as far as it can be read."""

    transaction_id: str | None
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Either the decision, or why the record was set aside."""

    question: Question
    decided: DecidedTransaction | None
    reason: str | None
    detail: str | None


def ask(config: Config, topic: str, lines: Sequence[bytes], timeout_s: float) -> list[Question]:
    """Produce each line as it is, keyed by its customer where that can be read.

    Raises:
        BadFile: a line is larger than a record may be; none was sent.
        KafkaUnavailable: Kafka did not take them.
    """
    for number, line in enumerate(lines, 1):
        if len(line) > LARGEST_LINE_BYTES:
            raise BadFile(
                f"line {number} has {len(line):,} bytes", why=f"Kafka takes {LARGEST_LINE_BYTES:,} at most"
            )
    producer = Producer(config | {"partitioner": "murmur2_random"})
    questions: list[Question | None] = [None] * len(lines)
    failures: list[str] = []

    def on_delivery(index: int, transaction_id: str | None) -> Callable[[Any, Message], None]:
        def note(error: Any, message: Message) -> None:
            if error is not None:
                failures.append(error.str())
            else:
                questions[index] = Question(transaction_id, message.partition(), message.offset())

        return note

    for index, line in enumerate(lines):
        transaction_id, customer_id = _identity(line)
        note = on_delivery(index, transaction_id)
        _produce(producer, timeout_s, topic=topic, value=line, key=customer_id, on_delivery=note)
        producer.poll(0)
    if producer.flush(timeout_s) or failures:
        why = failures[0] if failures else "time is up"
        raise KafkaUnavailable("Kafka did not take all transactions", why=why, next_step="fraudml status")
    return [question for question in questions if question is not None]


def _produce(producer: Any, timeout_s: float, **record: Any) -> None:
    """Produce; while the queue is full, wait until Kafka has taken one."""
    for _ in range(2):
        try:
            producer.produce(**record)
            return
        except BufferError:
            producer.poll(timeout_s)
    raise KafkaUnavailable(
        "Kafka did not take all transactions", why="the queue is full", next_step="fraudml status"
    )


def _identity(line: bytes) -> tuple[str | None, bytes | None]:
    try:
        document = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    if not isinstance(document, dict):
        return None, None
    transaction_id, customer_id = document.get("transaction_id"), document.get("customer_id")
    return (
        transaction_id if isinstance(transaction_id, str) else None,
        customer_id.encode() if isinstance(customer_id, str) else None,
    )


def answers(
    questions: Sequence[Question],
    ledger: Answers,
    topic_id: str,
    *,
    timeout_s: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Answer]:
    """The answers in the order of the questions, each as soon as it is there.

    Raises:
        Unavailable: a record was not settled in time.
    """
    deadline = clock() + timeout_s
    for question in questions:
        while ledger.progress(topic_id, [question.partition])[question.partition] <= question.offset:
            if clock() > deadline:
                raise Unavailable(
                    f"no decision within {timeout_s:.0f} s",
                    why="no worker runs, or it is busy with other records",
                    next_step="fraudml status",
                )
            sleep(POLL_S)
        yield _answer(question, ledger, topic_id)


def _answer(question: Question, ledger: Answers, topic_id: str) -> Answer:
    span = {question.partition: (question.offset, question.offset + 1)}
    recorded = ledger.recorded(topic_id, span)
    place = (question.partition, question.offset)
    if place in recorded.dead:
        return Answer(question, None, *recorded.dead[place])
    decided = recorded.decisions.get(place)
    if decided is None and question.transaction_id is not None:
        # The same id was decided before: that decision stands.
        decided = ledger.decision(question.transaction_id)
    return Answer(question, decided, None, None)
