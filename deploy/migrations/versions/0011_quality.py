"""Labels by the time of their transaction, and decisions in a drawn order, so that the newest outcomes and a
fair sample are read without looking through everything."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    "ALTER TABLE labels ADD COLUMN transaction_time timestamptz",
    """
    UPDATE labels SET transaction_time = decisions.event_time
    FROM decisions WHERE decisions.transaction_id = labels.transaction_id
    """,
    "ALTER TABLE labels ALTER COLUMN transaction_time SET NOT NULL",
    "CREATE INDEX labels_newest ON labels (transaction_time)",
    # One decision in 8, chosen by its id alone: one in 64 is of level 2, one in 512 of level 3, and so on.
    # Those of a level or a higher one are a fair sample of any range of time.
    """
    CREATE INDEX decisions_drawn ON decisions ((
        (hashtextextended(transaction_id, 0) & 7 = 0)::integer
        + (hashtextextended(transaction_id, 0) & 63 = 0)::integer
        + (hashtextextended(transaction_id, 0) & 511 = 0)::integer
        + (hashtextextended(transaction_id, 0) & 4095 = 0)::integer
        + (hashtextextended(transaction_id, 0) & 32767 = 0)::integer
        + (hashtextextended(transaction_id, 0) & 262143 = 0)::integer
    ), decided_at) WHERE hashtextextended(transaction_id, 0) & 7 = 0
    """,
)
