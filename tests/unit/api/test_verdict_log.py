"""Labels of verdicts on their way: what Kafka has not confirmed is not called sent."""

from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from api.producing import Producing
from api.verdict_log import KafkaLabels, VerdictLog
from models.errors import KafkaUnavailable, LedgerUnavailable
from models.label import Label
from tests.builders import label

LABELS = [msgspec.convert(label(name, label_id=f"{name}-label"), Label) for name in "abc"]


class PlayedKafka:
    """Confirms, refuses, or never answers, by the key of the label."""

    def __init__(self, **outcomes: str) -> None:
        self.outcomes = outcomes
        self.sent: list[tuple[str, str, Any]] = []

    def send(self, topic: str, key: str, value: bytes, delivered: Callable[[str | None, Any], None]) -> None:
        document = msgspec.json.decode(value)
        self.sent.append((topic, key, document))
        outcome = self.outcomes.get(document["transaction_id"], "taken")
        if outcome == "full":
            raise KafkaUnavailable("too much waits already")
        if outcome != "silent":
            delivered(None if outcome == "taken" else outcome, None)


def sent_by(kafka: PlayedKafka) -> list[str]:
    labels = KafkaLabels(cast(Producing, kafka), "labels", within_s=0.05).send(LABELS)
    return [each.transaction_id for each in labels]


def test_a_label_goes_out_as_a_document_keyed_by_its_customer() -> None:
    kafka = PlayedKafka()
    assert sent_by(kafka) == ["a", "b", "c"]
    assert kafka.sent[0] == ("labels", "c-1", msgspec.to_builtins(LABELS[0]))


@pytest.mark.parametrize("outcome", ["refused", "silent"])
def test_what_is_not_confirmed_is_not_sent(outcome: str) -> None:
    assert sent_by(PlayedKafka(b=outcome)) == ["a", "c"]


@pytest.mark.parametrize("outcome", ["refused", "silent", "full"])
def test_where_none_is_confirmed_kafka_is_away(outcome: str) -> None:
    with pytest.raises(KafkaUnavailable):
        sent_by(PlayedKafka(**dict.fromkeys("abc", outcome)))


class Kept:
    """Labels that are due; what becomes of each claim."""

    def __init__(self) -> None:
        self.due = list(LABELS)
        self.told: list[str] = []
        self.reachable = True

    def settle_labels(self) -> tuple[int, int]:
        if not self.reachable:
            raise LedgerUnavailable("Postgres failed")
        return 0, 0

    def claim_labels(self, limit: int, again_s: float) -> list[Label]:
        due, self.due = self.due[:limit], self.due[limit:]
        return due

    def labels_sent(self, labels: list[Label]) -> None:
        self.told += [each.transaction_id for each in labels]


def test_a_turn_notes_what_arrived_and_nothing_else() -> None:
    kept = Kept()
    assert VerdictLog(kept, lambda labels: list(labels[1:])).turn() == 2
    assert kept.told == ["b", "c"]


def test_where_nothing_is_due_kafka_is_left_alone() -> None:
    kept = Kept()
    kept.due = []

    def send(labels: Any) -> list[Label]:
        raise KafkaUnavailable("it is away")

    assert VerdictLog(kept, send).turn() == 0


def test_a_ledger_that_is_away_ends_a_turn_before_anything_is_sent() -> None:
    kept = Kept()
    kept.reachable = False
    sent: list[Label] = []
    with pytest.raises(LedgerUnavailable):
        VerdictLog(kept, lambda labels: [sent.append(each) or each for each in labels]).turn()  # type: ignore[func-returns-value]
    assert sent == []
