"""Labels in the ledger: one immutable row per accepted version, and those that wait for their transaction."""

from collections.abc import Sequence
from datetime import datetime

from models.label import Label, fraud_mark
from streams.codecs import encode
from streams.ledger.connection import TimedConnection
from streams.ports import LabelsSettled, Mark, ParkedLabel, Place

# The rows are locked in one order, so that two workers with labels of one transaction agree on the delta.
LOCK_TRANSACTIONS = """
    SELECT transaction_id, terminal_id, event_time, late FROM decisions
    WHERE transaction_id = ANY(%s) ORDER BY transaction_id FOR NO KEY UPDATE
"""
KNOWN_VERSIONS = "SELECT transaction_id, version, label FROM labels WHERE transaction_id = ANY(%s)"
INSERT_LABELS = """
    INSERT INTO labels (
        incarnation, transaction_id, version, label_id, label, source, event_time, delta, partition, "offset"
    )
    SELECT %s, new.* FROM unnest(
        %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::smallint[],
        %s::int[], %s::bigint[]
    ) AS new
"""
PARK = """
    INSERT INTO parked_labels (incarnation, partition, "offset", transaction_id, key, value)
    SELECT %s, new.* FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::bytea[], %s::bytea[]) AS new
"""
READY = """
    SELECT topic_id, partition, "offset", key, value
    FROM parked_labels JOIN incarnations USING (incarnation)
    WHERE EXISTS (SELECT FROM decisions WHERE decisions.transaction_id = parked_labels.transaction_id)
    ORDER BY incarnation, partition, "offset" LIMIT %s
"""
UNPARK = """
    DELETE FROM parked_labels USING incarnations
    WHERE incarnations.incarnation = parked_labels.incarnation
        AND (topic_id, partition, "offset") IN (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))
"""

Transactions = dict[str, tuple[str, datetime, bool]]  # terminal, event time, late
Versions = dict[str, dict[int, str]]
NewRow = tuple[str, int, str, str, str, datetime, int, int, int]


def settle(
    connection: TimedConnection, incarnation: int, places: Sequence[Place], labels: Sequence[Label]
) -> LabelsSettled:
    """Accept, park or pass over each label of a sweep, in offset order; inside the caller's transaction."""
    ids = sorted({label.transaction_id for label in labels})
    transactions: Transactions = {
        transaction_id: (terminal, event_time, late)
        for transaction_id, terminal, event_time, late in connection.execute(LOCK_TRANSACTIONS, [ids])
    }
    versions: Versions = {transaction_id: {} for transaction_id in transactions}
    for transaction_id, version, verdict in connection.execute(KNOWN_VERSIONS, [ids]):
        versions[transaction_id][version] = verdict
    parked = [
        (place, label)
        for place, label in zip(places, labels, strict=True)
        if label.transaction_id not in transactions
    ]
    accepted: list[NewRow] = []
    marks: list[Mark] = []
    for place, label in zip(places, labels, strict=True):
        if label.transaction_id in transactions and label.version not in versions[label.transaction_id]:
            delta = _delta(versions[label.transaction_id], label)
            accepted.append(_row(place, label, delta))
            terminal, event_time, late = transactions[label.transaction_id]
            marks.append(Mark(terminal, int(event_time.timestamp()), 0 if late else delta))
    if accepted:
        connection.execute(INSERT_LABELS, [incarnation, *map(list, zip(*accepted, strict=True))])
    if parked:
        _park(connection, incarnation, parked)
    return LabelsSettled(marks, len(parked), len(labels) - len(parked) - len(accepted))


def _delta(known: dict[int, str], label: Label) -> int:
    """What the terminal's fraud count changes by: new latest minus old latest. Notes the new version."""
    before = fraud_mark(known[max(known)]) if known else 0
    known[label.version] = label.label
    return fraud_mark(known[max(known)]) - before


def _row(place: Place, label: Label, delta: int) -> NewRow:
    return (
        label.transaction_id,
        label.version,
        label.label_id,
        label.label,
        label.source,
        label.event_time,
        delta,
        *place,
    )


def _park(connection: TimedConnection, incarnation: int, parked: Sequence[tuple[Place, Label]]) -> None:
    columns = [
        [place[0] for place, _ in parked],
        [place[1] for place, _ in parked],
        [label.transaction_id for _, label in parked],
        [label.customer_id.encode() for _, label in parked],
        [encode(label) for _, label in parked],
    ]
    connection.execute(PARK, [incarnation, *columns])


def ready(connection: TimedConnection, limit: int) -> list[ParkedLabel]:
    rows = connection.execute(READY, [limit])
    return [ParkedLabel((topic_id, part, offset), key, value) for topic_id, part, offset, key, value in rows]


def unpark(connection: TimedConnection, labels: Sequence[ParkedLabel]) -> None:
    if not labels:
        return
    columns = zip(*(label.place for label in labels), strict=True)
    connection.execute(UNPARK, [list(each) for each in columns])
