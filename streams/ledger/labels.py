"""Labels in the ledger: one immutable row per accepted version, and those that wait for their transaction."""

from collections.abc import Sequence
from datetime import datetime

from models.label import Label, fraud_mark
from streams.arrivals import LabelRecord
from streams.ledger import archived
from streams.ledger.connection import TimedConnection
from streams.ports import DueLabels, LabelPlace, LabelsSettled, Mark, ParkedLabel, Place

# The rows are locked in one order, so that two workers with labels of one transaction agree on the delta.
LOCK_TRANSACTIONS = """
    SELECT transaction_id, terminal_id, event_time, late FROM decisions
    WHERE transaction_id = ANY(%s) ORDER BY transaction_id FOR NO KEY UPDATE
"""
KNOWN_VERSIONS = "SELECT transaction_id, version, label FROM labels WHERE transaction_id = ANY(%s)"
INSERT_LABELS = """
    INSERT INTO labels (
        incarnation, transaction_id, version, label_id, label, source, event_time, delta, transaction_time,
        partition, "offset"
    )
    SELECT %s, new.* FROM unnest(
        %s::text[], %s::int[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::smallint[],
        %s::timestamptz[], %s::int[], %s::bigint[]
    ) AS new
"""
PARK = """
    INSERT INTO parked_labels (incarnation, partition, "offset", transaction_id, key, value)
    SELECT %s, new.* FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::bytea[], %s::bytea[]) AS new
"""
# The last one that was looked at comes too, due or not: the next look goes on after it.
DUE = """
    WITH looked AS (
        SELECT *, row_number() OVER (ORDER BY incarnation, partition, "offset") AS number
        FROM parked_labels
        WHERE (incarnation, partition, "offset") > (
            coalesce((SELECT incarnation FROM incarnations WHERE topic_id = %(topic_id)s), 0),
            %(partition)s::int, %(offset)s::bigint
        )
        ORDER BY incarnation, partition, "offset" LIMIT %(limit)s
    ), judged AS (
        SELECT *, parked_at < now() - make_interval(secs => %(wait_s)s) AS old,
            EXISTS (SELECT FROM decisions AS held WHERE held.transaction_id = looked.transaction_id)
            OR EXISTS (
                SELECT FROM archived_decisions AS held WHERE held.transaction_id = looked.transaction_id
            ) AS known
        FROM looked
    )
    SELECT topic_id, partition, "offset", key, value, NOT known, known OR old, number = %(limit)s
    FROM judged JOIN incarnations USING (incarnation)
    WHERE known OR old OR number = %(limit)s ORDER BY number
"""
UNPARK = """
    DELETE FROM parked_labels USING incarnations
    WHERE incarnations.incarnation = parked_labels.incarnation
        AND (topic_id, partition, "offset") IN (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))
"""

Transactions = dict[str, tuple[str | None, datetime, bool]]  # terminal (None: archived), event time, late
Versions = dict[str, dict[int, str]]
NewRow = tuple[str, int, str, str, str, datetime, int, datetime, int, int]


def settle(connection: TimedConnection, incarnation: int, records: Sequence[LabelRecord]) -> LabelsSettled:
    """Accept, park or pass over each label of a sweep, in offset order; inside the caller's transaction."""
    ids = sorted({record.label.transaction_id for record in records})
    transactions: Transactions = {
        transaction_id: (terminal, event_time, late)
        for transaction_id, terminal, event_time, late in connection.execute(LOCK_TRANSACTIONS, [ids])
    }
    if missing := [each for each in ids if each not in transactions]:
        # An archived one is older than every window: its label counts in no history, and stands all the same.
        for transaction_id, event_time in archived.locked_times(connection, missing).items():
            transactions[transaction_id] = (None, event_time, True)
    versions: Versions = {transaction_id: {} for transaction_id in transactions}
    for transaction_id, version, verdict in connection.execute(KNOWN_VERSIONS, [ids]):
        versions[transaction_id][version] = verdict
    parked = [record for record in records if record.label.transaction_id not in transactions]
    accepted: list[NewRow] = []
    marks: list[Mark] = []
    for place, _, _, label in records:
        if label.transaction_id in transactions and label.version not in versions[label.transaction_id]:
            delta = _delta(versions[label.transaction_id], label)
            terminal, event_time, late = transactions[label.transaction_id]
            accepted.append(_row(place, label, delta, event_time))
            if terminal is not None:
                marks.append(Mark(terminal, int(event_time.timestamp()), 0 if late else delta))
    if accepted:
        connection.execute(INSERT_LABELS, [incarnation, *map(list, zip(*accepted, strict=True))])
    if parked:
        _park(connection, incarnation, parked)
    return LabelsSettled(marks, len(parked), len(records) - len(parked) - len(accepted))


def _delta(known: dict[int, str], label: Label) -> int:
    """What the terminal's fraud count changes by: new latest minus old latest. Notes the new version."""
    before = fraud_mark(known[max(known)]) if known else 0
    known[label.version] = label.label
    return fraud_mark(known[max(known)]) - before


def _row(place: Place, label: Label, delta: int, transaction_time: datetime) -> NewRow:
    return (
        label.transaction_id,
        label.version,
        label.label_id,
        label.label,
        label.source,
        label.event_time,
        delta,
        transaction_time,
        *place,
    )


def _park(connection: TimedConnection, incarnation: int, parked: Sequence[LabelRecord]) -> None:
    columns = [
        [record.place[0] for record in parked],
        [record.place[1] for record in parked],
        [record.label.transaction_id for record in parked],
        [record.key for record in parked],
        [record.value for record in parked],
    ]
    connection.execute(PARK, [incarnation, *columns])


def due(connection: TimedConnection, after: LabelPlace | None, limit: int, wait_s: float) -> DueLabels:
    topic_id, partition, offset = after or (None, 0, 0)
    values = {"topic_id": topic_id, "partition": partition, "offset": offset}
    labels: list[ParkedLabel] = []
    last = None
    for *place, key, value, expired, is_due, is_last in connection.execute(
        DUE, {**values, "limit": limit, "wait_s": wait_s}
    ):
        label = ParkedLabel((place[0], place[1], place[2]), key, value, expired)
        labels += [label] if is_due else []
        last = label.place if is_last else last
    return DueLabels(labels, last)


def unpark(connection: TimedConnection, labels: Sequence[ParkedLabel]) -> None:
    if not labels:
        return
    columns = zip(*(label.place for label in labels), strict=True)
    connection.execute(UNPARK, [list(each) for each in columns])
