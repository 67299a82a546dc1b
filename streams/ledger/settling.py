"""Settling a sweep: the statements that insert its rows and move the progress, or do nothing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import psycopg

from models.decision import body_of
from models.errors import ProgressMoved
from streams.answered import Answered
from streams.ledger import answers, archived, copied, reading
from streams.ledger.arrays import PgArray, column
from streams.ledger.connection import TimedConnection
from streams.ledger.decision_columns import decision_values
from streams.ports import DecisionRows, Duplicates, Settled, Step

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
MOVE_EXPECTED = """
    UPDATE progress SET next_offset = step.reached
    FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS step (partition, expected, reached)
    WHERE progress.incarnation = %s AND progress.partition = step.partition
        AND progress.next_offset = step.expected
"""
SETTLE_NEW = f"SELECT settle_new_decisions({', '.join(['%s'] * 21)})"
INSERT_DECISIONS = f"SELECT insert_decisions({', '.join(['%s'] * 18)})"
PROGRESS_ELSEWHERE, IDS_TAKEN = "FR001", "FR002"
ID_IS_KEY = "decisions_pkey"
# From so many on, the server's time that COPY saves is worth three more round trips.
COPIED_FROM = 256
INSERT_DEAD = """
    INSERT INTO dead_letters (incarnation, partition, "offset", reason, detail)
    SELECT %s, dead.* FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::text[]) AS dead
"""
CLAIM = """
    UPDATE decisions SET incarnation = %s, partition = claim.partition, "offset" = claim."offset"
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS claim (transaction_id, partition, "offset")
    WHERE decisions.transaction_id = claim.transaction_id AND decisions.incarnation IS NULL
"""


def settle(
    connection: TimedConnection, step: Step, rows: DecisionRows, copied_from: int
) -> Settled | Duplicates:
    """Insert all rows and move the progress, or nothing.

    copied_from: so many rows and more are copied.

    Raises:
        ProgressMoved: the progress is not what the step expected.
    """
    incarnation = number_of_topic(connection, step)
    if step.dead or rows.answered or 0 in step.expected.values():
        return _settle_in_steps(connection, step, rows)
    try:
        if len(rows.batch) < copied_from:
            values = decision_values(connection, rows, incarnation)
            connection.execute(SETTLE_NEW, [*moves_of(step), *values])
        else:
            _settle_by_copy(connection, step, rows, incarnation)
    except psycopg.Error as error:
        if not _says_why(error):
            raise
        connection.rollback()
        if error.sqlstate == PROGRESS_ELSEWHERE:
            raise _progress_moved(step) from None
        if error.sqlstate == archived.IDS_ARCHIVED:
            return archived.duplicates(connection, rows)
    else:
        return Settled()
    taken = resolve(connection, rows, incarnation)
    return taken if isinstance(taken, Duplicates) else _settle_in_steps(connection, step, rows)


def _settle_by_copy(connection: TimedConnection, step: Step, rows: DecisionRows, incarnation: int) -> None:
    """What a sweep nearly always is: every partition where it was read, every id new. Else it fails."""
    with connection.pipeline():
        connection.execute("BEGIN")
        connection.execute(LOCK_PROGRESS, [incarnation, sorted(step.expected)])
        moved = connection.execute(MOVE_EXPECTED, [*moves_of(step), incarnation])
    if moved.rowcount != len(step.expected):
        raise _progress_moved(step)
    copied.copy(connection, rows, incarnation)
    connection.commit()


def _says_why(error: psycopg.Error) -> bool:
    """Whether it is one that the statements answer with; after any other the connection is not to be used."""
    known = (PROGRESS_ELSEWHERE, IDS_TAKEN, archived.IDS_ARCHIVED)
    return error.sqlstate in known or error.diag.constraint_name == ID_IS_KEY


def _settle_in_steps(connection: TimedConnection, step: Step, rows: DecisionRows) -> Settled | Duplicates:
    """The same with dead letters, for partitions never settled before, and with rows that REST decided."""
    try:
        return _in_steps(connection, step, rows)
    except psycopg.Error as error:
        if error.sqlstate != archived.IDS_ARCHIVED:
            raise
    connection.rollback()
    return archived.duplicates(connection, rows)


def _in_steps(connection: TimedConnection, step: Step, rows: DecisionRows) -> Settled | Duplicates:
    answered = rows.answers()
    values = decision_values(connection, rows, number_of_topic(connection, step))
    answer_rows = _answer_rows(connection, step, rows, answered)
    incarnation = begin(connection, step)
    outcome: Settled | Duplicates = Settled()
    new = answers.insert(connection, answer_rows) if answered else set()
    # What the gateway has answered and could not write: it is the decision, and this record owns it.
    stored = {row: each.decided for row, each in answered.items() if each.decided.transaction_id in new}
    if int(reading.one(connection, INSERT_DECISIONS, values)) + len(stored) != len(rows.batch):
        outcome = resolve(connection, rows, incarnation)
    if isinstance(outcome, Duplicates):
        connection.rollback()
        return outcome
    claim(connection, rows, sorted(outcome.claimed), incarnation)
    move_progress(connection, step, incarnation)
    connection.commit()
    return replace(
        outcome,
        claimed={**outcome.claimed, **stored},
        answer_conflicts=outcome.answer_conflicts + rows.misfits(),
    )


def _answer_rows(
    connection: TimedConnection, step: Step, rows: DecisionRows, answered: Mapping[int, Answered]
) -> str:
    incarnation, batch = number_of_topic(connection, step), rows.batch
    owners = [(incarnation, int(batch.partition[row]), int(batch.offset[row])) for row in answered]
    return answers.rows_of(connection, list(answered.values()), owners)


def begin(connection: TimedConnection, step: Step) -> int:
    """Begin a transaction that holds the progress it is about to move; the number of the topic.

    Raises:
        ProgressMoved: the progress is not what the step expected.
    """
    incarnation = number_of_topic(connection, step)
    connection.execute("BEGIN")
    connection.execute(BEGIN_PROGRESS, [incarnation, sorted(step.expected)])
    locked = connection.execute(LOCK_PROGRESS, [incarnation, sorted(step.expected)]).fetchall()
    if dict(locked) != dict(step.expected):
        raise _progress_moved(step)
    return incarnation


def _progress_moved(step: Step) -> ProgressMoved:
    return ProgressMoved(
        f"the ledger's progress on {step.topic} is not what this sweep was built on",
        why="another worker has settled some of it",
    )


def move_progress(connection: TimedConnection, step: Step, incarnation: int) -> None:
    numbers, _, reached = moves_of(step)
    connection.execute(MOVE_PROGRESS, [numbers, reached, incarnation])
    if step.dead:
        columns = zip(*((d.partition, d.offset, d.reason, d.detail) for d in step.dead), strict=True)
        connection.execute(INSERT_DEAD, [incarnation, *(list(each) for each in columns)])


def moves_of(step: Step) -> list[PgArray]:
    """Partitions, and the progress of each before and after."""
    numbers = list(step.expected)
    return [
        column(np.array(numbers, np.int32)),
        column(np.array([step.expected[number] for number in numbers], np.int64)),
        column(np.array([step.reached[number] for number in numbers], np.int64)),
    ]


def resolve(connection: TimedConnection, rows: DecisionRows, incarnation: int) -> Settled | Duplicates:
    """Who owns the ids that have rows already; a record with the same body claims what REST decided."""
    batch = rows.batch
    positions = {transaction_id: row for row, transaction_id in enumerate(batch.transaction_id)}
    claimed, duplicates, conflicts, answer_conflicts = {}, [], [], 0
    answered = rows.answers()
    for found, owner in reading.owned_by_others(connection, incarnation, batch):
        row = positions[found.transaction_id]
        same = batch.body(row) == body_of(found)
        answer_conflicts += row in answered and answered[row].decided != found
        if same and owner[0] is None:
            claimed[row] = found
            continue
        duplicates.append(row)
        if not same:
            conflicts.append(row)
    if duplicates:
        return Duplicates(duplicates, conflicts, answer_conflicts)
    return Settled(claimed, answer_conflicts)


def claim(connection: TimedConnection, rows: DecisionRows, mine: list[int], incarnation: int) -> None:
    if mine:
        batch = rows.batch.take(np.array(mine, np.int64))
        places = [batch.partition.tolist(), batch.offset.tolist()]
        connection.execute(CLAIM, [incarnation, batch.transaction_id, *places])


def number_of_topic(connection: TimedConnection, step: Step) -> int:
    """The number of a topic's incarnation, given at its first sweep.

    Raises:
        ProgressMoved: the step goes back.
    """
    if any(step.reached[number] < offset for number, offset in step.expected.items()):
        raise _progress_moved(step)
    known = connection.numbers
    if step.topic_id not in known:
        known[step.topic_id] = reading.incarnation(connection, step.topic, step.topic_id)
    return known[step.topic_id]
