"""Rows of decisions that the gateway has made: inserted without an owner, or with that of their record."""

from base64 import b64encode
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import psycopg

from models.archived import ArchivedDecision
from streams.answered import Answered
from streams.codecs import encode
from streams.ledger import archived, reading
from streams.ledger.connection import TimedConnection
from streams.ledger.scorings import number_of_scoring
from streams.ports.answers import Produced
from streams.ports.ledger import Scoring

Owner = tuple[int | None, int | None, int | None]  # incarnation, partition, offset
NOBODY: Owner = (None, None, None)

# Ids come sorted, so that nobody who inserts the same ones waits in a circle.
INSERT = """
    INSERT INTO decisions (
        transaction_id, customer_id, terminal_id, amount_minor, currency, event_time, decided_at, decision,
        score, late, path, degraded_reason, attributes, reasons, scoring_id, features, incarnation, partition,
        "offset"
    )
    SELECT
        transaction_id, customer_id, terminal_id, amount_minor, currency, event_time, decided_at,
        decision::verdict, score, late, path::decision_path, degraded_reason, nullif(attributes, 'null'),
        nullif(reasons, '[]'), scoring_id, decode(features, 'base64'), incarnation, partition, "offset"
    FROM jsonb_to_recordset(%s::jsonb) AS new (
        transaction_id text, customer_id text, terminal_id text, amount_minor bigint, currency text,
        event_time timestamptz, decided_at timestamptz, decision text, score double precision, late boolean,
        path text, degraded_reason text, attributes jsonb, reasons jsonb, scoring_id integer, features text,
        incarnation integer, partition integer, "offset" bigint
    )
    ORDER BY transaction_id
    ON CONFLICT (transaction_id) DO NOTHING RETURNING transaction_id
"""
NOTE_PLACES = """
    INSERT INTO answer_places (transaction_id, topic_id, partition, "offset")
    SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[])
    ON CONFLICT (transaction_id) DO UPDATE SET topic_id = excluded.topic_id,
        partition = excluded.partition, "offset" = excluded."offset"
"""
WHERE_PRODUCED = """
    SELECT transaction_id, topic_id AS sent_to, "offset" AS sent_at, coalesce(next_offset, 0) AS reached
    FROM answer_places
    LEFT JOIN incarnations USING (topic_id)
    LEFT JOIN progress USING (incarnation, partition)
"""
WITH_FEATURES = reading.DECIDED.replace("currency, attributes", "currency, attributes, features")
BY_IDS = WITH_FEATURES + "WHERE transaction_id = ANY(%s)"
UNCLAIMED = f"""
    {WITH_FEATURES}
    LEFT JOIN ({WHERE_PRODUCED}) AS places USING (transaction_id)
    WHERE incarnation IS NULL AND decided_at < now() - make_interval(secs => %s)
        AND (sent_to IS DISTINCT FROM %s OR reached > sent_at)
    ORDER BY decided_at LIMIT %s
"""
FORGET_PLACES = """
    DELETE FROM answer_places USING decisions
    WHERE decisions.transaction_id = answer_places.transaction_id AND decisions.incarnation IS NOT NULL
"""


def rows_of(connection: TimedConnection, answers: Sequence[Answered], owners: Sequence[Owner]) -> str:
    """Rows as `insert` takes them. Outside a transaction: the numbers that this remembers must stand."""
    rows = [_row(connection, *each) for each in zip(answers, owners, strict=True)]
    return encode(rows).decode()


def insert(connection: TimedConnection, rows: str) -> set[str]:
    """The ids that were new."""
    return {row[0] for row in connection.execute(INSERT, [rows])}


def _row(connection: TimedConnection, answered: Answered, owner: Owner) -> dict[str, object]:
    decided = answered.decided
    scoring = Scoring(**{name: getattr(decided, name) for name in Scoring._fields})
    return {
        **msgspec.structs.asdict(decided),
        "scoring_id": number_of_scoring(connection, scoring),
        "features": b64encode(answered.features.astype("<f4").tobytes()).decode(),
        **dict(zip(("incarnation", "partition", "offset"), owner, strict=True)),
    }


def answer(
    connection: TimedConnection, answers: Sequence[Answered]
) -> dict[str, Answered | ArchivedDecision]:
    """Insert those whose ids are new; what stands for the others."""
    try:
        new = insert(connection, rows_of(connection, answers, [NOBODY] * len(answers)))
    except psycopg.Error as error:
        if error.sqlstate != archived.IDS_ARCHIVED:
            raise
        return _beside_archived(connection, answers)
    others = [each.decided.transaction_id for each in answers if each.decided.transaction_id not in new]
    if not others:
        return {}
    return {found.decided.transaction_id: found for found in _read(connection, BY_IDS, [others])}


def _beside_archived(
    connection: TimedConnection, answers: Sequence[Answered]
) -> dict[str, Answered | ArchivedDecision]:
    """The same, where some ids were archived: the others are inserted without them."""
    held = archived.find(connection, [each.decided.transaction_id for each in answers])
    assert held, "the ledger said that some ids are archived"
    others = [each for each in answers if each.decided.transaction_id not in held]
    return {**held, **(answer(connection, others) if others else {})}


def produced(connection: TimedConnection, places: Mapping[str, Produced]) -> None:
    columns = [list(places), *map(list, zip(*places.values(), strict=True))] if places else []
    if columns:
        connection.execute(NOTE_PLACES, columns)


def unclaimed(connection: TimedConnection, topic_id: str, older_s: float, limit: int) -> list[Answered]:
    """Answers whose record is not under way. Places that nobody asks for any more are forgotten."""
    connection.execute(FORGET_PLACES)
    return _read(connection, UNCLAIMED, [older_s, topic_id, limit])


def _read(connection: TimedConnection, query: str, values: Sequence[object]) -> list[Answered]:
    """Rows as they were answered."""
    cursor = connection.execute(query, values)
    names = [each.name for each in cursor.description or ()]
    return [
        Answered(decided, np.frombuffer(extra["features"], "<f4"))
        for decided, _, extra in reading.documents_of(cursor, names)
    ]
