"""Labels that verdicts of analysts have become, until they stand among all labels.

Kept in the transaction of the verdict; from `due_at` on claimed by a gateway, sent, and found again among
the labels once a worker has taken them in. Whoever dies after a claim leaves it to the next: a label sent
twice is one, since its id and version are the same.
"""

from collections.abc import Sequence
from datetime import datetime

from models.label import LARGEST_VERSION, Label
from streams.ledger.connection import TimedConnection

KEEP = """
    INSERT INTO review_labels (transaction_id, label_id, customer_id, label, version, event_time, due_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
FORGET = "DELETE FROM review_labels WHERE transaction_id = %s AND claimed_at IS NULL"
# A claim is committed before anything is sent: from then on nobody can undo the verdict.
CLAIM = """
    WITH due AS (
        SELECT transaction_id FROM review_labels
        WHERE arrived_at IS NULL AND sent_at IS NULL AND due_at <= now()
            AND (claimed_at IS NULL OR claimed_at < now() - make_interval(secs => %s))
        ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE review_labels AS kept SET claimed_at = now() FROM due
    WHERE kept.transaction_id = due.transaction_id
    RETURNING kept.label_id, kept.transaction_id, kept.customer_id, kept.label,
        'analyst', kept.version, kept.event_time
"""
SENT = """
    UPDATE review_labels AS kept SET sent_at = now()
    FROM unnest(%s::text[], %s::int[]) AS told (transaction_id, version)
    WHERE kept.transaction_id = told.transaction_id AND kept.version = told.version AND kept.sent_at IS NULL
"""
ARRIVED = """
    UPDATE review_labels AS kept SET arrived_at = now() FROM labels
    WHERE kept.arrived_at IS NULL AND labels.transaction_id = kept.transaction_id
        AND labels.version = kept.version AND labels.label_id = kept.label_id
"""
# Another label had that version first, so ours was passed over: it goes again under the next one.
PASSED_OVER = f"""
    UPDATE review_labels AS kept SET sent_at = NULL, claimed_at = NULL,
        version = (SELECT max(version) + 1 FROM labels WHERE labels.transaction_id = kept.transaction_id)
    FROM labels
    WHERE kept.arrived_at IS NULL AND kept.sent_at IS NOT NULL AND labels.transaction_id = kept.transaction_id
        AND labels.version = kept.version AND labels.label_id <> kept.label_id
        AND NOT EXISTS (
            SELECT FROM labels WHERE labels.transaction_id = kept.transaction_id
                AND labels.version = {LARGEST_VERSION}
        )
"""


def keep(connection: TimedConnection, label: Label, due_at: datetime) -> None:
    """Inside the transaction of its verdict."""
    connection.execute(
        KEEP,
        [
            label.transaction_id,
            label.label_id,
            label.customer_id,
            label.label,
            label.version,
            label.event_time,
            due_at,
        ],
    )


def forget(connection: TimedConnection, transaction_id: str) -> bool:
    """Whether it was there and nobody has begun to send it."""
    return connection.execute(FORGET, [transaction_id]).rowcount == 1


def claim(connection: TimedConnection, limit: int, again_s: float) -> list[Label]:
    """Labels that are due, for the caller alone. again_s: how old a dead one's claim is."""
    rows = connection.execute(CLAIM, [again_s, limit]).fetchall()
    return [Label(*row) for row in rows]


def sent(connection: TimedConnection, labels: Sequence[Label]) -> None:
    columns = [[each.transaction_id for each in labels], [each.version for each in labels]]
    connection.execute(SENT, columns)


def settle(connection: TimedConnection) -> tuple[int, int]:
    """How many are found among the labels now; how many must go again, under another version."""
    arrived = connection.execute(ARRIVED).rowcount
    return arrived, connection.execute(PASSED_OVER).rowcount
