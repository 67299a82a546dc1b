"""Kafka, as a sweep sees it from the inside: what goes out."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from models.decision import DecidedTransaction
from streams.arrivals import DeadLetter
from streams.ports.ledger import ParkedLabel


class Outbox(Protocol):
    """Kafka, going out: alerts, dead letters and offsets in one transaction."""

    def publish(
        self,
        alerts: Sequence[DecidedTransaction],
        dead: Sequence[DeadLetter],
        offsets: Mapping[tuple[str, int], int],
        group: Any,
    ) -> None:
        """Make alerts and dead letters visible together with the offsets, now or in their turn.

        Offsets alone may follow later.

        Raises:
            AssignmentLost: the partitions belong to another worker by now.
            SlotTaken: another worker has this one's transactional id.
            OutcomeUnknown: whether it was committed could not be found out.
            KafkaUnavailable: nothing was made visible.
        """

    def return_labels(self, labels: Sequence[ParkedLabel]) -> None:
        """Produce parked labels to their topic again, for good."""
