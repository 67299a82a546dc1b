"""What the ledger holds, read back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from models.decision import DecidedTransaction
from models.history import EVENT, MARK, pack
from models.transaction import LARGEST_ATTRIBUTE
from streams.arrivals import Batch
from streams.ledger.connection import TimedConnection
from streams.ports import Additions, Place, Recorded
from streams.topics import Partition

Owner = tuple[int | None, int | None, int | None]  # incarnation, partition, offset

DECIDED = """
    SELECT incarnation, partition, "offset", transaction_id, decision::text, score,
        coalesce(reasons, '[]') AS reasons, variant, model_name, model_version, policy_version, ab_version,
        path::text, degraded_reason, late, event_time, decided_at, customer_id, terminal_id, amount_minor,
        currency, attributes
    FROM decisions JOIN scorings USING (scoring_id)
"""
BY_ID = DECIDED + "WHERE transaction_id = %s"
BY_OTHER_OWNERS = (
    DECIDED
    + """
    JOIN unnest(%s::text[], %s::int[], %s::bigint[]) AS mine (transaction_id, part, place)
        USING (transaction_id)
    WHERE (incarnation, partition, "offset") IS DISTINCT FROM (%s::int, part, place)
    ORDER BY transaction_id FOR UPDATE OF decisions
"""
)
BY_SPAN = DECIDED + 'WHERE incarnation = %s AND partition = %s AND "offset" >= %s AND "offset" < %s'
DEAD_BY_SPAN = """
    SELECT "offset", reason, detail FROM dead_letters
    WHERE incarnation = %s AND partition = %s AND "offset" >= %s AND "offset" < %s
"""
FIND_INCARNATION = "SELECT incarnation FROM incarnations WHERE topic_id = %s"
ADD_INCARNATION = "INSERT INTO incarnations (topic, topic_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
PROGRESS = """
    SELECT partition, next_offset FROM progress JOIN incarnations USING (incarnation)
    WHERE topic_id = %s AND partition = ANY(%s)
"""
ALL_PROGRESS = """
    SELECT topic_id, partition, next_offset FROM progress JOIN incarnations USING (incarnation)
    ORDER BY incarnation, partition
"""
OWNED_DECISIONS = """
    SELECT "offset", customer_id, terminal_id, amount_minor,
        floor(extract(epoch FROM event_time))::bigint, late
    FROM decisions JOIN incarnations USING (incarnation)
    WHERE topic_id = %s AND partition = %s AND "offset" >= %s AND "offset" < %s
    ORDER BY incarnation, partition, "offset" LIMIT %s
"""
OWNED_LABELS = """
    SELECT labels."offset", decisions.terminal_id,
        floor(extract(epoch FROM decisions.event_time))::bigint,
        CASE WHEN decisions.late THEN 0 ELSE labels.delta END
    FROM labels
    JOIN incarnations ON incarnations.incarnation = labels.incarnation
    JOIN decisions ON decisions.transaction_id = labels.transaction_id
    WHERE topic_id = %s AND labels.partition = %s AND labels."offset" >= %s AND labels."offset" < %s
    ORDER BY labels.incarnation, labels.partition, labels."offset" LIMIT %s
"""


def one(connection: TimedConnection, query: str, values: Sequence[object] = ()) -> Any:
    """The one value that a query must give."""
    row = connection.execute(query, values).fetchone()
    assert row is not None, query
    return row[0]


def incarnation(connection: TimedConnection, topic: str, topic_id: str) -> int:
    """The number of a topic's incarnation, made when it is new."""
    connection.execute(ADD_INCARNATION, [topic, topic_id])
    return int(one(connection, FIND_INCARNATION, [topic_id]))


def progress(connection: TimedConnection, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = dict(connection.execute(PROGRESS, [topic_id, list(numbers)]).fetchall())
    return {number: found.get(number, 0) for number in numbers}


def all_progress(connection: TimedConnection) -> dict[Partition, int]:
    rows = connection.execute(ALL_PROGRESS).fetchall()
    return {Partition(topic_id, number): next_offset for topic_id, number, next_offset in rows}


def decided(connection: TimedConnection, transaction_id: str) -> DecidedTransaction | None:
    found = documents(connection, BY_ID, [transaction_id])
    return found[0][0] if found else None


def owned_by_others(
    connection: TimedConnection, incarnation: int, batch: Batch
) -> list[tuple[DecidedTransaction, Owner]]:
    """Decisions on a batch's ids that belong to other records, with their owners. Locks them."""
    mine = [batch.transaction_id, batch.partition.tolist(), batch.offset.tolist()]
    return documents(connection, BY_OTHER_OWNERS, [*mine, incarnation])


def documents(
    connection: TimedConnection, query: str, values: Sequence[object]
) -> list[tuple[DecidedTransaction, Owner]]:
    cursor = connection.execute(query, values)
    names = [each.name for each in cursor.description or ()]
    return [(decided, owner) for decided, owner, _ in documents_of(cursor, names)]


def documents_of(
    rows: Iterable[Sequence[Any]], names: Sequence[str]
) -> Iterator[tuple[DecidedTransaction, Owner, dict[str, Any]]]:
    """Rows of DECIDED as documents, with their owners and whatever else was selected."""
    for incarnation, partition, offset, *fields in rows:
        found = dict(zip(names[3:], fields, strict=True))
        document = {name: found.pop(name) for name in DecidedTransaction.__struct_fields__}
        document["attributes"] = _as_sent(document["attributes"])
        yield msgspec.convert(document, DecidedTransaction), (incarnation, partition, offset), found


def _as_sent(attributes: dict[str, Any] | None) -> dict[str, Any] | None:
    """Postgres writes out every number: what is beyond 64 bits was sent as a float."""
    if not attributes:
        return attributes
    return {
        name: float(value) if isinstance(value, int) and abs(value) > LARGEST_ATTRIBUTE else value
        for name, value in attributes.items()
    }


def recorded(connection: TimedConnection, topic_id: str, spans: Mapping[int, tuple[int, int]]) -> Recorded:
    row = connection.execute(FIND_INCARNATION, [topic_id]).fetchone()
    decisions: dict[Place, DecidedTransaction] = {}
    dead: dict[Place, tuple[str, str]] = {}
    for number, (start, stop) in spans.items():
        span = [row[0] if row else None, number, start, stop]
        for document, (_, _, offset) in documents(connection, BY_SPAN, span):
            decisions[number, int(offset or 0)] = document
        for offset, reason, detail in connection.execute(DEAD_BY_SPAN, span):
            dead[number, offset] = (reason, detail)
    return Recorded(decisions, dead)


def additions(
    connection: TimedConnection, partition: Partition, start: int, stop: int, limit: int
) -> tuple[Additions, int]:
    """What the rows of one partition append: a topic holds decisions or labels, so one is empty."""
    span = [partition.topic_id, partition.number, start, stop, limit]
    decisions = connection.execute(OWNED_DECISIONS, span).fetchall()
    labels = connection.execute(OWNED_LABELS, span).fetchall()
    reached = stop
    if len(decisions) == limit or len(labels) == limit:
        reached = (decisions or labels)[-1][0] + 1
    return _additions(decisions, labels), reached


def _additions(decisions: list[Any], labels: list[Any]) -> Additions:
    counted = [row for row in decisions if not row[5]]
    amount = np.array([row[3] for row in counted], np.int64)
    time_s = np.array([row[4] for row in counted], np.int64)
    marks = [row for row in labels if row[3]]
    mark_time_s = np.array([row[2] for row in marks], np.int64)
    delta = np.array([row[3] for row in marks], np.int64)
    return Additions(
        {
            "customer": [row[1] for row in counted],
            "terminal": [row[2] for row in counted] + [row[1] for row in marks],
        },
        {
            "customer": pack(time_s, amount, EVENT),
            "terminal": np.concatenate(
                [pack(time_s, np.zeros_like(amount), EVENT), pack(mark_time_s, delta, MARK)]
            ),
        },
    )
