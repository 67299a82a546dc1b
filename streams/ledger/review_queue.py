"""The queue of open cases, and one case as a whole.

A page looks at a bounded stretch of an index; what is settled in it is passed over. So a page may hold fewer
cases than it could, or none, and still lead on.
"""

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import msgspec

from models.decision import DecidedTransaction
from models.label import Label
from models.review import CaseDocument
from streams.ledger import reading
from streams.ledger.connection import TimedConnection

Sort = Literal["expected_loss", "age"]

MOST_LOOKED = 10_000
NOBODY = ""
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
# What is sorted by, in which direction, what comes before all, and the type of it.
ORDERS: dict[Sort, tuple[str, str, object, str]] = {
    "expected_loss": ("score * amount_minor", "DESC", float("inf"), "float8"),
    "age": ("decided_at", "ASC", LONG_AGO, "timestamptz"),
}
QUEUE = """
    WITH looked AS (
        SELECT transaction_id, decision, score, amount_minor, currency, customer_id, terminal_id, event_time,
            decided_at, {key} AS place,
            row_number() OVER (ORDER BY {key} {direction}, transaction_id {direction}) AS number
        FROM decisions
        WHERE decision <> 'approve' AND ({key}, transaction_id) {after} (%(place)s::{type}, %(name)s)
        ORDER BY {key} {direction}, transaction_id {direction} LIMIT %(looked)s
    ), judged AS (
        SELECT looked.*, held_until, coalesce(escalated, false) AS escalated, snoozed_until,
            CASE WHEN held_until > now() THEN held_by END AS held_by,
            coalesce(verdict, '') NOT IN ('fraud', 'genuine') AND coalesce(label, 'unknown') = 'unknown'
                AS is_open
        FROM looked LEFT JOIN reviews USING (transaction_id)
        LEFT JOIN LATERAL (
            SELECT label FROM labels WHERE labels.transaction_id = looked.transaction_id
            ORDER BY version DESC LIMIT 1
        ) AS latest ON true
    ), chosen AS (
        SELECT *, is_open
            AND amount_minor >= %(min_amount_minor)s
            AND (%(decision)s::verdict IS NULL OR decision = %(decision)s::verdict)
            AND (%(escalated)s::bool IS NULL OR escalated = %(escalated)s)
            AND (%(held_by)s::text IS NULL OR coalesce(held_by, '') = %(held_by)s)
            AND (snoozed_until IS NOT NULL AND snoozed_until > now()) = %(snoozed)s AS is_wanted
        FROM judged
    )
    SELECT transaction_id, decision::text, score, amount_minor, currency, customer_id, terminal_id,
        event_time, decided_at, held_by, CASE WHEN held_by IS NOT NULL THEN held_until END AS held_until,
        escalated, snoozed_until, place, is_wanted, number = %(looked)s AS is_last
    FROM chosen WHERE is_wanted OR number = %(looked)s
    ORDER BY place {direction}, transaction_id {direction} LIMIT %(limit)s
"""
ACTIONS = """
    SELECT revision, happened_at, actor, action, verdict, reason_code, note, until
    FROM review_actions WHERE transaction_id = %s ORDER BY revision
"""
LABELS = """
    SELECT label_id, labels.transaction_id, customer_id, label, source, version, labels.event_time
    FROM labels JOIN decisions USING (transaction_id) WHERE transaction_id = %s ORDER BY version
"""


class Place(NamedTuple):
    """Where a page ended."""

    value: Any
    transaction_id: str


class QueueAsk(NamedTuple):
    """held_by: an actor, NOBODY, or None for all. snoozed: those alone, else none of them."""

    sort: Sort = "expected_loss"
    limit: int = 50
    after: Place | None = None
    decision: str | None = None
    held_by: str | None = None
    escalated: bool | None = None
    snoozed: bool = False
    min_amount_minor: int = 0


class QueuedCase(msgspec.Struct, frozen=True, kw_only=True):
    """An open case in a list. expected_loss_minor: score times amount."""

    transaction_id: str
    decision: str
    score: float
    amount_minor: int
    expected_loss_minor: float
    currency: str
    customer_id: str
    terminal_id: str
    event_time: datetime
    decided_at: datetime
    held_by: str | None
    held_until: datetime | None
    escalated: bool
    snoozed_until: datetime | None


class QueuePage(NamedTuple):
    """last: after which to go on; None at the end."""

    cases: list[QueuedCase]
    last: Place | None


class PastAction(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did with a case."""

    revision: int
    happened_at: datetime
    actor: str
    action: str
    verdict: str | None
    reason_code: str | None
    note: str
    until: datetime | None


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to a case: where it stands, the decision with its transaction, what was done, what became
    of it."""

    case: CaseDocument
    decision: DecidedTransaction
    actions: list[PastAction]
    labels: list[Label]


def page(connection: TimedConnection, ask: QueueAsk, most_looked: int = MOST_LOOKED) -> QueuePage:
    """most_looked: at how many cases, settled ones included."""
    key, direction, first, kind = ORDERS[ask.sort]
    query = QUEUE.format(key=key, direction=direction, after="<" if direction == "DESC" else ">", type=kind)
    place, name = ask.after or Place(first, "")
    values = {**ask._asdict(), "place": place, "name": name, "looked": most_looked}
    cursor = connection.execute(query, values)
    names = [each.name for each in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor]
    cases = [_queued(row) for row in rows if row["is_wanted"]]
    leads_on = len(rows) == ask.limit or (rows and rows[-1]["is_last"])
    last = Place(rows[-1]["place"], rows[-1]["transaction_id"]) if leads_on else None
    return QueuePage(cases, last)


def _queued(row: dict[str, Any]) -> QueuedCase:
    found = {name: row[name] for name in QueuedCase.__struct_fields__ if name in row}
    return QueuedCase(expected_loss_minor=row["score"] * row["amount_minor"], **found)


def view(connection: TimedConnection, document: CaseDocument) -> CaseView:
    name = document.transaction_id
    decision = reading.decided(connection, name)
    assert decision is not None, "there is no case without a decision"
    actions = connection.execute(ACTIONS, [name]).fetchall()
    labels = connection.execute(LABELS, [name]).fetchall()
    return CaseView(
        case=document,
        decision=decision,
        actions=[PastAction(**dict(zip(PastAction.__struct_fields__, row, strict=True))) for row in actions],
        labels=[Label(*row) for row in labels],
    )
