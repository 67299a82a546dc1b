"""Send lines through Kafka and wait for what becomes of them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from deploy.jobs.connections import ids_of_topics, ledger_of
from load.ask import Answer, answers, ask
from models.decision import decision_of
from streams.kafka import producer_config
from streams.settings import Settings


def score_lines(settings: Settings, lines: Sequence[bytes], timeout_s: float) -> Iterator[dict[str, Any]]:
    """Per line, in order, the decision as a document, or why it was set aside.

    Raises:
        Unavailable: Kafka, the ledger, or an answer in time.
    """
    topic = settings.transactions_topic
    questions = ask(producer_config(settings, "score"), topic, lines, settings.kafka_timeout_s)
    topic_id = ids_of_topics(settings)[topic]
    with ledger_of(settings) as ledger:
        found = answers(
            questions, ledger, topic_id, timeout_s=timeout_s, clock=time.monotonic, sleep=time.sleep
        )
        yield from (document_of(settings, answer) for answer in found)


def document_of(settings: Settings, answer: Answer) -> dict[str, Any]:
    if answer.decided is not None:
        document: dict[str, Any] = msgspec.to_builtins(decision_of(answer.decided))
        return document
    return {
        "transaction_id": answer.question.transaction_id,
        "dead_letter": settings.dead_letter_topic(settings.transactions_topic),
        "reason": answer.reason,
        "detail": answer.detail,
        "partition": answer.question.partition,
        "offset": answer.question.offset,
    }
