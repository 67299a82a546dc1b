"""Whatever a ledger is asked, in whatever order: the double answers as Postgres does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ledger.settling import COPIED_FROM
from streams.ports import Duplicates
from streams.topics import Partition
from streams.verdicts import decided_row
from tests.builders import NO_TIME_S, TOPIC_IDS, WAIT_S, label, transaction
from tests.contracts.ledger_worlds import FakeLedgerWorld, LedgerWorld, PostgresWorld, answer_of
from tests.contracts.offers import CODEC, appended, decisions_on, offer, offer_labels, records
from tests.stores import empty_ledger

NAMES = "abcde"
PARTITIONS = (0, 1)
transactions = st.builds(transaction, st.sampled_from(NAMES), amount_minor=st.sampled_from([1, 20_000]))
verdicts = st.sampled_from(["fraud", "fraud", "genuine"])
labels = st.builds(label, st.sampled_from(NAMES), version=st.integers(0, 3), label=verdicts)

Ask = Callable[[LedgerWorld], Any]


@dataclass(frozen=True)
class Sent:
    """Records of one partition that are offered to the ledger.

    skipped: offsets that are no records. off_by: how far the worker's belief is from the progress.
    """

    topic: str
    documents: Sequence[Any]
    partition: int
    skipped: int
    off_by: int
    late: bool

    def __call__(self, world: LedgerWorld) -> list[Any]:
        progress = world.ledger.progress(TOPIC_IDS[self.topic], [self.partition])[self.partition]
        sweep = records(
            *self.documents, partition=self.partition, first=progress + self.skipped, topic=self.topic
        )
        step = {"expected": {self.partition: progress + self.off_by}}
        if self.topic == "labels":
            return [answer_of(partial(offer_labels, world.ledger, sweep, **step))]
        found: list[Any] = [answer_of(partial(offer, world.ledger, sweep, step=step, **self.flags()))]
        if isinstance(found[0], Duplicates):
            rest = {"leave_out": found[0].rows, **self.flags(len(found[0].rows))}
            found.append(answer_of(partial(offer, world.ledger, sweep, step=step, **rest)))
        return found

    def flags(self, left_out: int = 0) -> dict[str, Any]:
        decoded = sum(isinstance(each, dict) for each in self.documents)
        return {"late": np.full(decoded - left_out, self.late)}


@dataclass(frozen=True)
class DecidedByRest:
    document: dict[str, Any]

    def __call__(self, world: LedgerWorld) -> None:
        if world.ledger.decision(self.document["transaction_id"]) is None:
            batch, _ = CODEC.decode(records(self.document))
            made = decided_row(decisions_on(batch), 0)
            world.decide_by_rest(msgspec.structs.replace(made, path="rest"))


@dataclass(frozen=True)
class ProducedAgain:
    limit: int
    wait_s: float

    def __call__(self, world: LedgerWorld) -> Any:
        found = world.ledger.due_labels(None, self.limit, self.wait_s)
        world.ledger.unpark(found.labels)
        return found


def one_of_each_id(documents: Sequence[Any]) -> bool:
    names = [each["transaction_id"] for each in documents if isinstance(each, dict)]
    return len(set(names)) == len(names)


def sent(topic: str, documents: st.SearchStrategy[Any]) -> st.SearchStrategy[Sent]:
    return st.builds(
        Sent,
        st.just(topic),
        st.lists(documents | st.just(b"{oops"), min_size=1, max_size=4).filter(one_of_each_id),
        st.sampled_from(PARTITIONS),
        skipped=st.sampled_from([0, 0, 2]),
        off_by=st.sampled_from([0, 0, 0, 0, 0, 1, -1]),
        late=st.booleans(),
    )


asked = st.lists(
    sent("transactions", transactions)
    | sent("labels", labels)
    | st.builds(DecidedByRest, transactions)
    | st.builds(ProducedAgain, st.integers(1, 3), st.sampled_from([WAIT_S, NO_TIME_S])),
    min_size=3,
    max_size=12,
)


def told(world: LedgerWorld, questions: Sequence[Ask]) -> dict[str, Any]:
    """All answers, and all that the ledger knows in the end."""
    ledger = world.ledger
    answers = [comparable(question(world)) for question in questions]
    spans = {number: (0, 1000) for number in PARTITIONS}
    partitions = [Partition(topic_id, number) for topic_id in TOPIC_IDS.values() for number in PARTITIONS]
    return {
        "answers": answers,
        "progress": ledger.all_progress(),
        "recorded": {topic_id: ledger.recorded(topic_id, spans) for topic_id in TOPIC_IDS.values()},
        "additions": {each: appended(ledger.additions(each, 0, 1000, 1000)[0]) for each in partitions},
        "decisions": {name: ledger.decision(name) for name in NAMES},
        "parked": ledger.due_labels(None, 100, NO_TIME_S),
    }


def comparable(answer: Any) -> Any:
    """Of an error that we name, its kind: the words are each one's own."""
    if isinstance(answer, list):
        return [comparable(each) for each in answer]
    return type(answer) if isinstance(answer, Exception) else answer


@pytest.mark.stack
@pytest.mark.timeout(180)
@settings(max_examples=40)
@given(questions=asked)
def test_the_double_and_postgres_say_the_same(own_database: str, questions: list[Ask]) -> None:
    expected = told(FakeLedgerWorld(), questions)
    for copied_from in (1, COPIED_FROM):
        empty_ledger(own_database)
        real = PostgresWorld(own_database, copied_from)
        try:
            assert told(real, questions) == expected
        finally:
            real.close()
