"""Settling a sweep: the statements that insert its rows and move the progress, or do nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.decision import VERDICTS
from models.errors import ProgressMoved
from models.features import FEATURE_NAMES
from streams.codecs import encode
from streams.ledger import reading
from streams.ledger.arrays import column, optional_texts, row_bytes, texts, timestamps
from streams.ledger.connection import TimedConnection
from streams.ports import DecisionRows, Duplicates, Scoring, Settled, Step

LOCK_PROGRESS = """
    SELECT partition, next_offset FROM progress
    WHERE incarnation = %s AND partition = ANY(%s) ORDER BY partition FOR UPDATE
"""
BEGIN_PROGRESS = """
    INSERT INTO progress (incarnation, partition, next_offset)
    SELECT %s, unnest(%s::int[]), 0 ON CONFLICT DO NOTHING
"""
MOVE_PROGRESS = """
    UPDATE progress SET next_offset = moved.next_offset
    FROM unnest(%s::int[], %s::bigint[]) AS moved (partition, next_offset)
    WHERE progress.incarnation = %s AND progress.partition = moved.partition
"""
# Ids come sorted, so that two workers with the same ids wait for each other instead of dying.
INSERT_DECISIONS = """
    INSERT INTO decisions (
        transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", decision,
        score, late, scoring_id, features, attributes, incarnation, currency, decided_at, degraded_reason,
        path
    )
    SELECT
        new.transaction_id, new.customer_id, new.terminal_id, new.amount_minor, new.event_time, new.partition,
        new."offset", (%s::verdict[])[new.verdict + 1], new.score, new.late, new.scoring_id, new.features,
        new.attributes::jsonb, %s, %s, %s, %s, 'stream'
    FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[]) AS new (
        transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", verdict,
        score, late, scoring_id, features, attributes
    )
    ON CONFLICT (transaction_id) DO NOTHING
"""
INSERT_DEAD = """
    INSERT INTO dead_letters (incarnation, partition, "offset", reason, detail)
    SELECT %s, dead.* FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::text[]) AS dead
"""
FIND_SCORING = """
    SELECT scoring_id FROM scorings WHERE (variant, model_name, model_version, policy_version, ab_version,
        feature_names) = (%s, %s, %s, %s, %s, %s)
"""
ADD_SCORING = """
    INSERT INTO scorings (variant, model_name, model_version, policy_version, ab_version, feature_names)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
CLAIM = """
    UPDATE decisions SET incarnation = %s, partition = claim.partition, "offset" = claim."offset"
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS claim (transaction_id, partition, "offset")
    WHERE decisions.transaction_id = claim.transaction_id AND decisions.incarnation IS NULL
"""


def begin(connection: TimedConnection, step: Step, incarnation: int) -> Any:
    """Begin a transaction and lock the progress it is about to move."""
    connection.execute("BEGIN")
    if 0 in step.expected.values():
        connection.execute(BEGIN_PROGRESS, [incarnation, sorted(step.expected)])
    return connection.execute(LOCK_PROGRESS, [incarnation, sorted(step.expected)])


def move_progress(connection: TimedConnection, step: Step, incarnation: int) -> None:
    connection.execute(MOVE_PROGRESS, [list(step.reached), list(step.reached.values()), incarnation])
    if step.dead:
        columns = zip(*((d.partition, d.offset, d.reason, d.detail) for d in step.dead), strict=True)
        connection.execute(INSERT_DEAD, [incarnation, *(list(each) for each in columns)])


def insert(
    connection: TimedConnection,
    rows: DecisionRows,
    order: list[int],
    scorings: list[int],
    incarnation: int,
) -> Any:
    batch = rows.batch.take(np.array(order, np.int64))
    attributes = [encode(each).decode() if each else None for each in batch.attributes]
    return connection.execute(
        INSERT_DECISIONS,
        [
            list(VERDICTS),
            incarnation,
            rows.currency,
            rows.decided_at,
            rows.degraded_reason,
            texts(batch.transaction_id),
            texts(batch.customer_id),
            texts(batch.terminal_id),
            column(batch.amount_minor),
            timestamps(batch.event_time_ms),
            column(batch.partition.astype(np.int32)),
            column(batch.offset),
            column(rows.verdict[order].astype(np.int16)),
            column(rows.score[order]),
            column(rows.late[order]),
            column(np.array(scorings, np.int32)[rows.scored_by[order]]),
            row_bytes(rows.features[order]),
            optional_texts(attributes),
        ],
    )


def resolve(connection: TimedConnection, rows: DecisionRows, incarnation: int) -> Settled | Duplicates:
    """Who owns the rows that were not inserted. Those that REST decided are claimed by the same body."""
    batch = rows.batch
    positions = {transaction_id: row for row, transaction_id in enumerate(batch.transaction_id)}
    claimed, duplicates, conflicts = {}, [], []
    for found, owner in reading.owned_by_others(connection, incarnation, batch):
        row = positions[found.transaction_id]
        same = batch.body(row) == reading.body(found)
        if same and owner[0] is None:
            claimed[row] = found
            continue
        duplicates.append(row)
        if not same:
            conflicts.append(row)
    if duplicates:
        return Duplicates(duplicates, conflicts)
    _claim(connection, rows, sorted(claimed), incarnation)
    return Settled(claimed)


def _claim(connection: TimedConnection, rows: DecisionRows, mine: list[int], incarnation: int) -> None:
    batch = rows.batch.take(np.array(mine, np.int64))
    places = [batch.partition.tolist(), batch.offset.tolist()]
    connection.execute(CLAIM, [incarnation, batch.transaction_id, *places])


def number_of_topic(connection: TimedConnection, step: Step) -> int:
    """The number of a topic's incarnation, given at its first sweep."""
    known = connection.numbers
    if step.topic_id not in known:
        known[step.topic_id] = reading.incarnation(connection, step.topic, step.topic_id)
    return known[step.topic_id]


def number_of_scoring(connection: TimedConnection, scoring: Scoring) -> int:
    """The number of who decided, given at the first row."""
    known = connection.numbers
    if scoring not in known:
        values = [*scoring, list(FEATURE_NAMES)]
        connection.execute(ADD_SCORING, values)
        known[scoring] = int(reading.one(connection, FIND_SCORING, values))
    return known[scoring]


def check_progress(step: Step, locked: Sequence[tuple[int, int]]) -> None:
    found = dict(locked)
    for number, expected in step.expected.items():
        if found.get(number) != expected:
            raise ProgressMoved(
                f"partition {number} of {step.topic} is at offset {found.get(number)}, not {expected}",
                why="another worker has settled it",
            )
