"""What is around a transaction, of its customer or its terminal: as much of it as a caller can wait for."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from models.features import Entity
from models.surroundings import AFTER, BEFORE, DAY, MS, Around, Seen
from streams.ledger.connection import TimedConnection

# At most so many are looked at: a month of 130 a day. More after it would tell little more.
MOST_BEFORE, MOST_AFTER = 4096, 1024
# Day by day away from the transaction, until there are enough: the indexes go by day, then by this hash.
AROUND = """
    SELECT transaction_id, customer_id, terminal_id, event_time, decided_at, amount_minor, decision::text,
        score
    FROM (SELECT step FROM generate_series(0, %(days)s) AS step ORDER BY step) AS steps
    CROSS JOIN LATERAL (
        SELECT * FROM decisions
        WHERE (event_time AT TIME ZONE 'UTC')::date = %(day)s::date {sign} step
            AND hashtext({entity}_id) = hashtext(%(name)s) AND {entity}_id = %(name)s
            AND event_time {side} %(moment)s
        ORDER BY event_time {direction} LIMIT %(most)s
    ) AS found
    ORDER BY step, event_time {direction} LIMIT %(most)s
"""
LABELS = """
    SELECT transaction_id, label, recorded_at <= %s FROM labels WHERE transaction_id = ANY(%s)
    ORDER BY transaction_id, version
"""


class Bounds(NamedTuple):
    """How many are looked at, before the transaction and after it."""

    before: int = MOST_BEFORE
    after: int = MOST_AFTER


def around(
    connection: TimedConnection, entity: Entity, middle: Seen, now: datetime, bounds: Bounds = Bounds()
) -> Around:
    """now: the database's; days after it are not told."""
    first = _midnight(middle.day - BEFORE)
    last = min(middle.day + AFTER, max(middle.day, now.astimezone(UTC).date()))
    before = _look(connection, entity, middle, BEFORE.days, bounds.before, is_before=True)
    after = _look(connection, entity, middle, (last - middle.day).days, bounds.after, is_before=False)
    # Of those at the same moment as the first one too many some may be missing: none of them is told.
    cut_before, cut_after = len(before) > bounds.before, len(after) > bounds.after
    since = before[-1].event_time + MS if cut_before else first
    until = after[-1].event_time if cut_after else _midnight(last + DAY)
    before = [each for each in before if each.event_time >= since]
    after = [each for each in after if each.event_time < until]
    labelled = _labelled(connection, [*before, *after], middle.decided_at)
    return Around(
        middle, labelled[: len(before)], labelled[len(before) :], since, until, cut_before, cut_after
    )


def _look(
    connection: TimedConnection, entity: Entity, middle: Seen, days: int, most: int, is_before: bool
) -> list[Seen]:
    """Outwards from the transaction; one more than `most` if there are more."""
    words = ("-", "<=", "DESC") if is_before else ("+", ">", "ASC")
    query = AROUND.format(entity=entity, **dict(zip(("sign", "side", "direction"), words, strict=True)))
    values = {
        "days": days,
        "day": middle.day,
        "name": getattr(middle, f"{entity}_id"),
        "moment": middle.event_time,
        "most": most + 1,
    }
    return [Seen(*row) for row in connection.execute(query, values)]


def _labelled(connection: TimedConnection, seen: Sequence[Seen], then: datetime) -> list[Seen]:
    label: dict[str, str] = {}
    known: dict[str, str] = {}
    rows: Any = connection.execute(LABELS, [then, [each.transaction_id for each in seen]])
    for name, said, was_known in rows:
        label[name] = said
        if was_known:
            known[name] = said
    return [
        each._replace(label=label[name], known_label=known.get(name))
        if (name := each.transaction_id) in label
        else each
        for each in seen
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
