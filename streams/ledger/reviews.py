"""What analysts do with cases: each action in one transaction with its row in the audit table, and a verdict
with the label that it becomes.

A case has a row once somebody has acted on it. A row is only ever written over the revision that was read:
of two who act at once, one is told so.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from models.errors import CaseChanged, CaseSettled, FraudError, Malformed, NotFound, TooLateToUndo
from models.finding import Finding, check_finding
from models.label import LARGEST_VERSION, Label
from models.review import (
    Case,
    CaseDocument,
    CaseState,
    Times,
    decide,
    document_of,
    label_of,
    release,
    state_of,
    take,
    undo,
)
from streams.ledger import review_labels, review_queue
from streams.ledger.audit import note
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.review_queue import CaseView, QueueAsk, QueuePage

FIELDS = Case.__struct_fields__
OF_REVIEW = ", ".join(f"reviews.{name}" for name in FIELDS)
FIND = f"""
    SELECT decisions.customer_id, now(), latest.label, {OF_REVIEW}
    FROM decisions LEFT JOIN reviews USING (transaction_id)
    LEFT JOIN LATERAL (
        SELECT label FROM labels WHERE labels.transaction_id = decisions.transaction_id
        ORDER BY version DESC LIMIT 1
    ) AS latest ON true
    WHERE transaction_id = %s AND decision <> 'approve'
"""
SAVE = f"""
    INSERT INTO reviews (transaction_id, {", ".join(FIELDS)})
    VALUES (%s, {", ".join(["%s"] * len(FIELDS))})
    ON CONFLICT (transaction_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in FIELDS)}
    WHERE reviews.revision = %s
"""
ACT = """
    INSERT INTO review_actions
        (transaction_id, revision, happened_at, actor, action, verdict, reason_code, note, until)
    VALUES (%s, %s, now(), %s, %s, %s, %s, %s, %s)
"""
NEXT_VERSION = "SELECT 1 + coalesce(max(version), -1)::bigint FROM labels WHERE transaction_id = %s"

Action = Literal["take", "release", "decide", "undo"]


NOTHING_SAID = (None, None, "", None)


class Found(NamedTuple):
    """A case as it was read. label: the latest on its transaction."""

    transaction_id: str
    customer_id: str
    now: datetime
    label: str | None
    case: Case

    @property
    def state(self) -> CaseState:
        return state_of(self.case, self.label, self.now)

    def refuse_labelled(self) -> None:
        if self.label in ("fraud", "genuine"):
            raise CaseSettled()


class PostgresReviews:
    """Cases, by the database's clock. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str, times: Times) -> None:
        self._connector = Connector(url, timeout_s, application)
        self._times = times

    def queue(self, ask: QueueAsk) -> QueuePage:
        """Open cases, a page of them."""
        with self._connector.use() as connection:
            return review_queue.page(connection, ask)

    def view(self, transaction_id: str) -> CaseView:
        """
        Raises:
            NotFound: there is no such case.
        """
        with self._connector.use() as connection, connection.transaction():
            found = _found(connection, transaction_id)
            document = document_of(found.case, transaction_id, found.state, found.now)
            return review_queue.view(connection, document)

    def take(self, transaction_id: str, actor: str) -> CaseDocument:
        """
        Raises:
            NotFound: there is no such case.
            Conflict: it is settled, or somebody else's.
        """
        with self._found(transaction_id) as (connection, found):
            found.refuse_labelled()
            after = take(found.case, actor, found.now, self._times)
            return _act(connection, found, after, "take", actor)

    def release(self, transaction_id: str, actor: str) -> CaseDocument:
        """
        Raises:
            NotFound: there is no such case.
            Conflict: it is not the actor's.
        """
        with self._found(transaction_id) as (connection, found):
            return _act(connection, found, release(found.case, actor, found.now), "release", actor)

    def decide(self, transaction_id: str, actor: str, finding: Finding) -> CaseDocument:
        """
        Raises:
            NotFound: there is no such case.
            MalformedReview: the finding cannot be.
            Conflict: it is settled, or not the actor's.
        """
        return self._decide(transaction_id, actor, finding, lambda found: found.case)

    def decide_all(
        self, transaction_ids: list[str], actor: str, finding: Finding
    ) -> list[CaseDocument | FraudError]:
        """Each on its own, in this order; what nobody holds is taken and decided at once.

        Raises:
            MalformedReview: the finding cannot be.
            LedgerUnavailable: those before it are done.
        """
        return [self._tried(transaction_id, actor, finding) for transaction_id in transaction_ids]

    def undo(self, transaction_id: str, actor: str) -> CaseDocument:
        """
        Raises:
            NotFound: there is no such case.
            TooLateToUndo: what stands stays.
        """
        with self._found(transaction_id) as (connection, found):
            after = undo(found.case, actor, found.now, self._times)
            if found.case.is_settled and not review_labels.forget(connection, transaction_id):
                raise TooLateToUndo()
            return _act(connection, found, after, "undo", actor)

    def claim_labels(self, limit: int, again_s: float) -> list[Label]:
        """As `review_labels.claim`."""
        with self._connector.use() as connection:
            return review_labels.claim(connection, limit, again_s)

    def labels_sent(self, labels: list[Label]) -> None:
        """Kafka has them."""
        with self._connector.use() as connection:
            review_labels.sent(connection, labels)

    def settle_labels(self) -> tuple[int, int]:
        """As `review_labels.settle`."""
        with self._connector.use() as connection:
            return review_labels.settle(connection)

    def close(self) -> None:
        self._connector.close()

    def _tried(self, transaction_id: str, actor: str, finding: Finding) -> CaseDocument | FraudError:
        def taken(found: Found) -> Case:
            return take(found.case, actor, found.now, self._times)

        try:
            return self._decide(transaction_id, actor, finding, taken)
        except FraudError as error:
            if error.retry or isinstance(error, Malformed):
                raise
            return error

    def _decide(
        self, transaction_id: str, actor: str, finding: Finding, held: Callable[[Found], Case]
    ) -> CaseDocument:
        with self._found(transaction_id) as (connection, found):
            check_finding(finding, found.now)
            found.refuse_labelled()
            after = decide(held(found), actor, finding, found.now, self._times)
            told = _act(connection, found, after, "decide", actor, finding)
            if after.is_settled:
                _keep_label(connection, found, after)
            return told

    @contextmanager
    def _found(self, transaction_id: str) -> Iterator[tuple[TimedConnection, Found]]:
        with self._connector.use() as connection, connection.transaction():
            yield connection, _found(connection, transaction_id)


def _found(connection: TimedConnection, transaction_id: str) -> Found:
    row = connection.execute(FIND, [transaction_id]).fetchone()
    if row is None:
        raise NotFound("there is no such case", why="it is not decided, or approved")
    customer_id, now, label, *fields = row
    case = _case(fields) if fields[0] is not None else Case()
    return Found(transaction_id, customer_id, now, label, case)


def _case(fields: list[Any]) -> Case:
    return msgspec.convert(dict(zip(FIELDS, fields, strict=True)), Case)


def _act(
    connection: TimedConnection,
    found: Found,
    after: Case,
    action: Action,
    actor: str,
    finding: Finding | None = None,
) -> CaseDocument:
    """Write down what becomes of a case, and who did it."""
    name, before = found.transaction_id, found.case.revision
    fields = [getattr(after, field) for field in FIELDS]
    if connection.execute(SAVE, [name, *fields, before]).rowcount == 0:
        raise CaseChanged()
    said = (finding.verdict, finding.reason_code, finding.note, finding.until) if finding else NOTHING_SAID
    connection.execute(ACT, [name, after.revision, actor, action, *said])
    state = state_of(after, found.label, found.now)
    # The note stays out of it: what is only ever added to could not forget it.
    words = {"verdict": finding.verdict} if finding else {}
    why = finding.reason_code if finding else ""
    note(connection, action, f"case {name}", found.state, state, actor=actor, why=why, **words)
    return document_of(after, name, state, found.now)


def _keep_label(connection: TimedConnection, found: Found, after: Case) -> None:
    row = connection.execute(NEXT_VERSION, [found.transaction_id]).fetchone()
    version = row[0] if row else 0
    if version > LARGEST_VERSION:
        raise CaseSettled()  # no label can come after the one that stands
    label = label_of(after, found.transaction_id, found.customer_id, version, found.now)
    assert after.undo_until is not None
    review_labels.keep(connection, label, after.undo_until)
