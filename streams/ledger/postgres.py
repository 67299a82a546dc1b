"""The ledger: every transaction is decided once, because this says so. First write wins."""

from collections.abc import Mapping, Sequence

from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from streams.answered import Answered
from streams.arrivals import LabelRecord
from streams.ledger import answers, archived, poison, reading, settling
from streams.ledger import labels as label_rows
from streams.ledger.connection import SCHEMA, Connector
from streams.ports import (
    Additions,
    DecisionRows,
    DueLabels,
    Duplicates,
    LabelPlace,
    LabelsSettled,
    ParkedLabel,
    Poison,
    Produced,
    Recorded,
    Settled,
    Step,
)
from streams.topics import Partition

__all__ = ["SCHEMA", "PostgresLedger"]


class PostgresLedger:
    """`streams.ports.Ledger` on Postgres, over one connection of its own."""

    def __init__(
        self,
        url: str,
        timeout_s: float,
        application: str = "fraudml",
        copied_from: int = settling.COPIED_FROM,
    ) -> None:
        self._connector = Connector(url, timeout_s, application)
        self._copied_from = copied_from

    def close(self) -> None:
        self._connector.close()

    def identity(self) -> str:
        with self._connector.use() as connection:
            return str(reading.one(connection, "SELECT ledger_id FROM ledger"))

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        with self._connector.use() as connection:
            return reading.progress(connection, topic_id, numbers)

    def all_progress(self) -> dict[Partition, int]:
        with self._connector.use() as connection:
            return reading.all_progress(connection)

    def recorded(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
        with self._connector.use() as connection:
            return reading.recorded(connection, topic_id, spans)

    def decision(self, transaction_id: str) -> DecidedTransaction | None:
        """The decision on a transaction, if there is one."""
        with self._connector.use() as connection:
            return reading.decided(connection, transaction_id)

    def archived(self, transaction_id: str) -> ArchivedDecision | None:
        """What is left of a decision that has no row any more, if there was one."""
        with self._connector.use() as connection:
            return archived.find(connection, [transaction_id]).get(transaction_id)

    def answer(self, given: Sequence[Answered]) -> dict[str, Answered | ArchivedDecision]:
        with self._connector.use() as connection:
            return answers.answer(connection, given)

    def produced(self, places: Mapping[str, Produced]) -> None:
        with self._connector.use() as connection:
            answers.produced(connection, places)

    def unclaimed(self, topic_id: str, older_s: float, limit: int) -> list[Answered]:
        with self._connector.use() as connection:
            return answers.unclaimed(connection, topic_id, older_s, limit)

    def poison(self, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> dict[int, Poison]:
        with self._connector.use() as connection:
            return poison.poison(connection, topic_id, spans)

    def allow_poison(self, topic: str, partition: Partition, until_offset: int) -> None:
        """However many malformed records a partition holds below an offset, they pass."""
        with self._connector.use() as connection:
            poison.allow(connection, topic, partition, until_offset)

    def additions(self, partition: Partition, start: int, stop: int, limit: int) -> tuple[Additions, int]:
        with self._connector.use() as connection:
            return reading.additions(connection, partition, start, stop, limit)

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled | Duplicates:
        with self._connector.use() as connection:
            return settling.settle(connection, step, rows, self._copied_from)

    def settle_labels(self, step: Step, labels: Sequence[LabelRecord]) -> LabelsSettled:
        with self._connector.use() as connection:
            incarnation = settling.begin(connection, step)
            settled = label_rows.settle(connection, incarnation, labels)
            settling.move_progress(connection, step, incarnation)
            connection.commit()
            return settled

    def due_labels(self, after: LabelPlace | None, limit: int, wait_s: float) -> DueLabels:
        with self._connector.use() as connection:
            return label_rows.due(connection, after, limit, wait_s)

    def unpark(self, labels: Sequence[ParkedLabel]) -> None:
        with self._connector.use() as connection:
            label_rows.unpark(connection, labels)
