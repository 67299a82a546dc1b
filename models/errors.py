"""Every failure this system names. The base class says what to do about it.

FraudError
├── Malformed               what somebody sent can never be used: set it aside, never retry
│   ├── MalformedTransaction
│   └── MalformedLabel
├── Misuse                  the person at the keyboard must change something
│   ├── BadFile             a missing file, a missing column, a value that is not what the map says
│   ├── BadSetting          a setting that cannot be
│   └── NotFound            what was asked for does not exist
├── Unavailable             a dependency failed: wait and try again
│   ├── KafkaUnavailable
│   ├── LedgerUnavailable   Postgres
│   ├── ViewUnavailable     Redis
│   ├── RegistryUnavailable MLflow
│   ├── AnswerLost          ledger and Kafka at once: a decision that can be kept nowhere is told to nobody
│   ├── BreakerOpen         it has failed too often: it is left alone for a while
│   └── NoTimeLeft          a request's time is over, or too short for a call
├── Refused                 somebody else owns this sweep: drop it and read again from the committed offsets
│   ├── ProgressMoved       the ledger has gone past what the sweep was built on
│   ├── ViewMoved           the view changed under the sweep more often than healing could follow
│   └── AssignmentLost      Kafka gave the partitions, or the transactional id, to another worker
├── Halt                    going on would break the promise: stop, loudly, and let an operator look
│   ├── LogBehindLedger     a topic ends before what the ledger has already decided
│   ├── LogExpired          records left the log before they were decided
│   ├── OffsetsMissing      the group has no committed offset, though the ledger has decided records
│   ├── TopicRemade         a topic was made again while it was read
│   ├── SlotTaken           another worker runs under the same slot
│   ├── ViewAheadOfLedger   Redis has applied more than the ledger knows: an old ledger was put back by hand
│   ├── SchemaUnknown       the database has a schema that this version does not know
│   └── OutcomeUnknown      a Kafka transaction may or may not have been committed
├── Conflict                what was asked clashes with what was asked before
│   ├── InFlight            the same transaction is being answered: ask again in a moment
│   └── OtherBody           the id was decided with another body
├── Denied                  whoever asks may not: asking again with the same key changes nothing
│   ├── Unauthenticated     no key, or none that is known and lives
│   └── Forbidden           the key does not have the scope
└── ModelRejected           a model that cannot be proven to be what it says
"""


class FraudError(Exception):
    """Base of every failure named here. `retry` says whether waiting can help."""

    retry = False
    code = "fraud_error"

    def __init__(self, what: str, *, why: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        parts = [self.what, self.why, f"Next: {self.next_step}" if self.next_step else ""]
        return ". ".join(part.rstrip(".") for part in parts if part)


class Malformed(FraudError):
    """Bad input; `code` is the reason a dead letter carries."""

    code = "malformed"

    def __init__(self, code: str, what: str = "") -> None:
        super().__init__(what or code)
        self.code = code


class MalformedTransaction(Malformed):
    pass


class MalformedLabel(Malformed):
    pass


class Misuse(FraudError):
    code = "misuse"


class BadFile(Misuse):
    code = "bad_file"


class BadSetting(Misuse):
    code = "bad_setting"


class NotFound(Misuse):
    code = "not_found"


class Unavailable(FraudError):
    retry = True
    code = "unavailable"


class KafkaUnavailable(Unavailable):
    code = "kafka_unavailable"


class LedgerUnavailable(Unavailable):
    code = "ledger_unavailable"


class ViewUnavailable(Unavailable):
    code = "view_unavailable"


class RegistryUnavailable(Unavailable):
    code = "registry_unavailable"


class BreakerOpen(Unavailable):
    code = "breaker_open"


class NoTimeLeft(Unavailable):
    code = "no_time_left"


class Refused(FraudError):
    code = "refused"


class ProgressMoved(Refused):
    code = "progress_moved"


class ViewMoved(Refused):
    code = "view_moved"


class AssignmentLost(Refused):
    code = "assignment_lost"


class Halt(FraudError):
    code = "halt"


class LogBehindLedger(Halt):
    code = "log_behind_ledger"


class LogExpired(Halt):
    code = "log_expired"


class TopicRemade(Halt):
    code = "topic_remade"


class SlotTaken(Halt):
    code = "slot_taken"


class OffsetsMissing(Halt):
    code = "offsets_missing"


class ViewAheadOfLedger(Halt):
    code = "view_ahead_of_ledger"


class SchemaUnknown(Halt):
    code = "schema_unknown"


class OutcomeUnknown(Halt):
    code = "outcome_unknown"


class ModelRejected(FraudError):
    code = "model_rejected"


class Conflict(FraudError):
    code = "conflict"


class InFlight(Conflict):
    code = "in_flight"

    def __init__(self, transaction_id: str) -> None:
        super().__init__("this transaction is being decided", next_step="ask again in a second")
        self.transaction_id = transaction_id


class OtherBody(Conflict):
    code = "other_body"

    def __init__(self, transaction_id: str) -> None:
        super().__init__(
            "this transaction_id was decided with another body",
            why="an id names one transaction for good",
            next_step="send the same body for the same decision, or a new id",
        )
        self.transaction_id = transaction_id


class AnswerLost(Unavailable):
    code = "answer_lost"

    def __init__(self) -> None:
        super().__init__(
            "neither the ledger nor Kafka takes a decision now",
            why="what cannot be kept is not told",
            next_step="ask again in a few seconds, under the same transaction_id",
        )


class Denied(FraudError):
    code = "denied"


class Unauthenticated(Denied):
    code = "unauthenticated"


class Forbidden(Denied):
    code = "forbidden"
