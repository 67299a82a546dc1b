"""Decisions whose rows have left for the archive, by id: asked for where the rows have no answer."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from models.archived import ArchivedDecision
from models.decision import Decision, decision_of
from streams.ledger.connection import TimedConnection
from streams.ports import DecisionRows, Duplicates

# What the trigger on `decisions` raises where an id is among the archived.
IDS_ARCHIVED = "FR003"
FIND = """
    SELECT body_hash, transaction_id, decision::text, score, coalesce(reasons, '[]') AS reasons, variant,
        model_name, model_version, policy_version, ab_version, path::text, degraded_reason, late, event_time,
        decided_at
    FROM archived_decisions JOIN scorings USING (scoring_id) WHERE transaction_id = ANY(%s)
"""
TIMES = """
    SELECT transaction_id, event_time FROM archived_decisions WHERE transaction_id = ANY(%s)
"""
# In one order, so that two workers with labels of the same transactions do not wait in a circle.
LOCK_IDS = """
    SELECT pg_advisory_xact_lock(%s, number)
    FROM (SELECT DISTINCT hashtext(id) AS number FROM unnest(%s::text[]) AS id ORDER BY 1) AS numbers
"""
LOCKS = 0x6C61  # of labels on archived transactions
NEWEST_EVENT = "SELECT max(newest_event) FROM archived_months"
PLACES = """
    SELECT place, count(*), min(month), max(month) FROM archived_months GROUP BY place ORDER BY min(month)
"""


def find(connection: TimedConnection, transaction_ids: Iterable[str]) -> dict[str, ArchivedDecision]:
    """Those that are archived, by id."""
    cursor = connection.execute(FIND, [list(transaction_ids)])
    names = [each.name for each in cursor.description or ()]
    found = (_archived(row, names) for row in cursor)
    return {each.decision.transaction_id: each for each in found}


def _archived(row: Sequence[Any], names: Sequence[str]) -> ArchivedDecision:
    body_hash, *fields = row
    decision = msgspec.convert(dict(zip(names[1:], fields, strict=True)), Decision)
    return ArchivedDecision(decision=decision, body_hash=body_hash)


def duplicates(connection: TimedConnection, rows: DecisionRows) -> Duplicates:
    """The rows whose ids were archived: each is another record's, whoever that was."""
    batch, answered = rows.batch, rows.answers()
    found = find(connection, batch.transaction_id)
    known = [
        (row, found[transaction_id])
        for row, transaction_id in enumerate(batch.transaction_id)
        if transaction_id in found
    ]
    assert known, "the ledger said that some ids are archived"
    return Duplicates(
        [row for row, _ in known],
        [row for row, held in known if not held.fits(batch.body(row))],
        sum(row in answered and decision_of(answered[row].decided) != held.decision for row, held in known),
    )


def locked_times(connection: TimedConnection, transaction_ids: Sequence[str]) -> dict[str, datetime]:
    """The times of those that are archived, each held by whoever asks until its transaction ends."""
    found: dict[str, datetime] = dict(connection.execute(TIMES, [list(transaction_ids)]).fetchall())
    if found:
        connection.execute(LOCK_IDS, [LOCKS, list(found)])
    return found


def histories_from_s(connection: TimedConnection) -> int:
    """Epoch seconds of a whole hour: transactions from there on have their rows; 0 where none is archived."""
    row = connection.execute(NEWEST_EVENT).fetchone()
    newest: datetime | None = row[0] if row else None
    return 0 if newest is None else (int(newest.timestamp()) // 3600 + 1) * 3600


def places(connection: TimedConnection) -> list[tuple[str, int, date, date]]:
    """Where files of the archive lie: how many months, the first and the last of them."""
    return [(place, months, *span) for place, months, *span in connection.execute(PLACES)]
