"""Every failure this system names. The base class says what to do about it.

FraudError
├── Malformed               what somebody sent can never be used: set it aside, never retry
│   ├── MalformedTransaction
│   ├── MalformedLabel
│   └── MalformedReview     what an analyst found
├── Misuse                  the person at the keyboard must change something
│   ├── BadFile             a missing file, a missing column, a value that is not what the map says
│   ├── BadSetting          a setting that cannot be
│   ├── ClusterRefused      Kubernetes does not let the pod's account do it
│   ├── NotFound            what was asked for does not exist
│   └── TooWide             what was asked for takes too long to find
├── Unavailable             a dependency failed: wait and try again
│   ├── KafkaUnavailable
│   ├── LedgerUnavailable   Postgres
│   ├── ViewUnavailable     Redis
│   ├── RegistryUnavailable MLflow
│   ├── GatewayUnavailable  the gateway, as the monitor asks it
│   ├── ClusterUnavailable  Kubernetes' API server, as the bootstrap job asks it
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
│   ├── OtherBody           the id was decided with another body
│   ├── CaseHeld            somebody else works on it
│   ├── CaseNotHeld         whoever acts on it must have taken it
│   ├── CaseSettled         it has a verdict
│   ├── CaseChanged         somebody acted on it at the same moment: look again
│   ├── TooLateToUndo       the verdict stands
│   └── OtherLedger         the ledger was restored since: what was read before says nothing of this one
├── Denied                  whoever asks may not: asking again with the same key changes nothing
│   ├── Unauthenticated     no key, or none that is known and lives
│   └── Forbidden           the key does not have the scope
├── GatewayProblem          the gateway said no to the monitor: its problem, to be shown
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


class MalformedReview(Malformed):
    pass


class Misuse(FraudError):
    code = "misuse"


class BadFile(Misuse):
    code = "bad_file"


class BadSetting(Misuse):
    code = "bad_setting"


class ClusterRefused(Misuse):
    code = "cluster_refused"


class NotFound(Misuse):
    code = "not_found"


class TooWide(Misuse):
    code = "too_wide"


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


class GatewayUnavailable(Unavailable):
    code = "gateway_unavailable"


class ClusterUnavailable(Unavailable):
    code = "cluster_unavailable"


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


class GatewayProblem(FraudError):
    """code, title, detail, status: those of the problem."""

    code = "gateway_problem"

    def __init__(self, code: str, title: str, detail: str, status: int) -> None:
        super().__init__(title, why=detail)
        self.code = code
        self.title = title
        self.detail = detail
        self.status = status


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


class OtherLedger(Conflict):
    code = "other_ledger"


class CaseHeld(Conflict):
    code = "case_held"

    def __init__(self) -> None:
        super().__init__("somebody else has taken this case", next_step="take another one")


class CaseNotHeld(Conflict):
    code = "case_not_held"

    def __init__(self) -> None:
        super().__init__("you have not taken this case, or not for so long", next_step="take it")


class CaseSettled(Conflict):
    code = "case_settled"

    def __init__(self) -> None:
        super().__init__("this case is settled", next_step="take another one")


class CaseChanged(Conflict):
    code = "case_changed"

    def __init__(self) -> None:
        super().__init__("somebody acted on this case at the same moment", next_step="ask again")


class TooLateToUndo(Conflict):
    code = "too_late_to_undo"

    def __init__(self) -> None:
        super().__init__(
            "there is no verdict here that you can undo",
            why="only your own last action, within the window, before its label is sent",
        )


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
