"""The ledger, as the gateway sees it: rows that wait for their record."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from streams.answered import Answered


class Produced(NamedTuple):
    """Where the record of an answer went."""

    topic_id: str
    partition: int
    offset: int


class AnswerLedger(Protocol):
    """Postgres: first write wins. Every method raises LedgerUnavailable when it cannot be reached."""

    def answer(self, answers: Sequence[Answered]) -> dict[str, Answered | ArchivedDecision]:
        """Insert those whose ids are new; answers what stands for the others, by id."""

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        """The decision on a transaction, if there is one."""

    def archived(self, transaction_id: str) -> ArchivedDecision | None:
        """What is left of a decision that has no row any more, if there was one."""

    def produced(self, places: Mapping[str, Produced]) -> None:
        """Note where the records of some answers are."""

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        """Answers whose record is not under way: never produced, or read past and not claimed, or in a topic
        that is no more. The oldest first, of those that are older than some seconds.
        """
