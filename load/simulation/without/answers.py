"""The gateway, and what workers and ledger do about its answers, without their guards."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.answering import Answering
from api.publishing import KafkaAnswerLog
from api.relay import Relay
from load.doubles.answers import FakeAnswers, Row
from load.simulation.without.patches import Patch
from streams.answered import DECISION_HEADER, SIGNATURE_HEADER, Answered, Signer
from streams.arrivals import Batch
from streams.deciding import Decider, Histories, Names
from streams.ports import DecisionRows, Produced


def rest_republished() -> list[Patch]:
    """What REST decided is never produced again."""

    def never(self: Relay) -> int:
        self.note()
        return 0

    return [(Relay, "turn", never)]


def rest_republished_when_passed() -> list[Patch]:
    """What REST decided is produced again while its record may still come."""

    def never(self: FakeAnswers, place: Produced | None, topic_id: str) -> bool:
        return False

    return [(FakeAnswers, "_under_way", never)]


def rest_republished_to_new_topic() -> list[Patch]:
    """A record in a topic that is no more is waited for."""

    def anywhere(self: FakeAnswers, place: Produced | None, topic_id: str) -> bool:
        return place is not None and (place.topic_id != topic_id or guarded(self, place, topic_id))

    guarded = FakeAnswers._under_way
    return [(FakeAnswers, "_under_way", anywhere)]


def answer_stands() -> list[Patch]:
    """A later answer takes the row over."""
    guarded = FakeAnswers.answer

    def overwrite(self: FakeAnswers, answers: Sequence[Answered]) -> dict[str, Answered]:
        guarded(self, answers)
        for each in answers:
            row = self.rows[each.decided.transaction_id]
            self.rows[each.decided.transaction_id] = Row(each.decided, row.owner, each.features)
        return {}

    return [(FakeAnswers, "answer", overwrite)]


def standing_answer_told() -> list[Patch]:
    """Whoever comes second is told what was decided second."""
    guarded = FakeAnswers.answer

    def unaware(self: FakeAnswers, answers: Sequence[Answered]) -> dict[str, Answered]:
        guarded(self, answers)
        return {}

    return [(FakeAnswers, "answer", unaware)]


def answer_kept_before_told() -> list[Patch]:
    """While the ledger is away an answer is told whether or not Kafka has it."""
    guarded = KafkaAnswerLog.send_durably

    def hopeful(self: KafkaAnswerLog, answers: Sequence[Answered]) -> set[str]:
        guarded(self, answers)
        return {each.decided.transaction_id for each in answers}

    return [(KafkaAnswerLog, "send_durably", hopeful)]


def answers_remembered() -> list[Patch]:
    """A process forgets what it has told."""

    def forget(self: Answering, answers: Sequence[Answered]) -> None:
        return None

    return [(Answering, "_remember", forget)]


def answers_apart() -> list[Patch]:
    """Requests of one sweep count each other."""

    def together(self: Decider, batch: Batch, names: Names, stored: Histories | None) -> DecisionRows:
        return self.decide(batch, names, stored)[0]

    return [(Decider, "decide_apart", together)]


def answer_signed() -> list[Patch]:
    """Whatever claims to be an answer is taken for one."""
    guarded: Callable[..., Answered | None] = Signer._read

    def trusting(self: Signer, value: bytes, found: dict[str, bytes | None], body: Any) -> Answered | None:
        mark = found.get(DECISION_HEADER) or b""
        return guarded(self, value, found | {SIGNATURE_HEADER: self._signature(value, mark)}, body)

    return [(Signer, "_read", trusting)]


def answer_stored() -> list[Patch]:
    """Workers decide anew what was answered while the ledger was away."""

    def none(self: DecisionRows) -> Mapping[int, Answered]:
        return {}

    return [(DecisionRows, "answers", none)]


def answer_conflicts_counted() -> list[Patch]:
    """Nobody notices an answer behind another body of its id."""

    def none(self: DecisionRows) -> int:
        return 0

    return [(DecisionRows, "misfits", none)]
