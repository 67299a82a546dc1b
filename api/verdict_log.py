"""Labels that verdicts have become, on their way to Kafka: none is forgotten, and none stands twice."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog
from confluent_kafka import Message

from api.producing import Arrivals, Producing
from api.turns import Turns
from models.label import Label
from streams.codecs import encode

log = structlog.get_logger(__name__)

EVERY_S = 1.0
MOST_AT_ONCE = 500
SEND_S = 10.0
# Longer than a turn may take: who claimed a label so long ago has died, or will do no harm.
AGAIN_S = 60.0


class KeptLabels(Protocol):
    """`streams.ledger.reviews.PostgresReviews`, as this needs it."""

    def claim_labels(self, limit: int, again_s: float) -> list[Label]: ...
    def labels_sent(self, labels: list[Label]) -> None: ...
    def settle_labels(self) -> tuple[int, int]: ...


class KafkaLabels:
    """within_s: how long to wait for all of them together."""

    def __init__(self, producing: Producing, topic: str, within_s: float) -> None:
        self._producing = producing
        self._topic = topic
        self._within_s = within_s

    def send(self, labels: Sequence[Label]) -> list[Label]:
        """Those that Kafka has on all its replicas.

        Raises:
            KafkaUnavailable: it takes none of them now.
        """
        arrivals = Arrivals(each.label_id for each in labels)
        for each in labels:
            hear = partial(_hear, arrivals, each.label_id)
            self._producing.send(self._topic, each.customer_id, encode(each), hear)
        arrived = arrivals.within(self._within_s)
        return [each for each in labels if each.label_id in arrived]


def _hear(arrivals: Arrivals, label_id: str, error: str | None, message: Message) -> None:
    arrivals.hear(label_id, error is None)


class VerdictLog:
    """Several gateways may run one each: every label is claimed by one of them."""

    def __init__(self, kept: KeptLabels, send: Callable[[Sequence[Label]], list[Label]]) -> None:
        self._kept = kept
        self._send = send
        self._turns = Turns("verdicts", self.turn, EVERY_S, failed="labels_wait")

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        """What waits is sent by the next gateway."""
        self._turns.stop()

    def turn(self) -> int:
        """Send what is due, and see what has arrived; how many were sent.

        Raises:
            Unavailable: the ledger or Kafka cannot be reached; nothing is forgotten.
        """
        _, passed_over = self._kept.settle_labels()
        if passed_over:
            log.warning("labels_sent_again", count=passed_over, why="their version was another label's")
        due = self._kept.claim_labels(MOST_AT_ONCE, AGAIN_S)
        arrived = self._send(due) if due else []
        if arrived:
            self._kept.labels_sent(arrived)
            log.info("verdicts_sent", count=len(arrived))
        return len(arrived)
