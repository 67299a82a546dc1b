"""The relay: what was answered and did not reach Kafka, or was read past, goes there again."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from api.turns import Turns
from streams.answered import Answered
from streams.ports import AnswerLedger, Produced

log = structlog.get_logger(__name__)

EVERY_S = 1.0
# By then it is known where the record of an answer went.
OLDER_S = 10.0
MOST_AT_ONCE = 2000


class Relay:
    """Two gateways may send one answer each: the second record is a duplicate, and changes nothing.

    places: where records have arrived since the last call. send: as `AnswerLog.send`. topic_id: of the topic
    as it is now.
    """

    def __init__(
        self,
        ledger: AnswerLedger,
        *,
        places: Callable[[], Mapping[str, Produced]],
        send: Callable[[Sequence[Answered]], None],
        topic_id: Callable[[], str],
        older_s: float = OLDER_S,
    ) -> None:
        self._ledger = ledger
        self._places = places
        self._send = send
        self._topic_id = topic_id
        self._older_s = older_s
        self._unnoted: dict[str, Produced] = {}
        self._turns = Turns("relay", self.turn, EVERY_S, failed="answers_wait")

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        """Ends after noting what has arrived."""
        self._turns.stop()
        self._turns.safely(self.note)

    def turn(self) -> int:
        """Note what has arrived, and send what has not; how many that were.

        Raises:
            Unavailable: the ledger or Kafka cannot be reached; nothing is forgotten.
        """
        self.note()
        waiting = self._ledger.unclaimed(self._topic_id(), self._older_s, MOST_AT_ONCE)
        if waiting:
            self._send(waiting)
            log.warning("answers_sent_again", count=len(waiting))
        return len(waiting)

    def note(self) -> None:
        """Where records have arrived, into the ledger.

        Raises:
            LedgerUnavailable: it cannot be reached; nothing is forgotten.
        """
        self._unnoted.update(self._places())
        if self._unnoted:
            self._ledger.produced(self._unnoted)
            self._unnoted = {}
