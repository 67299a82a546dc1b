"""What operators do with dead letters: replay them, and let a flood of them pass."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # A dead letter is replayed once: asking again changes nothing.
    "ALTER TABLE dead_letters ADD COLUMN replayed_at timestamptz",
    # Up to which offset a partition's dead letters pass, however many: somebody has looked, and said so.
    """
    CREATE TABLE poison_allowances (
        incarnation  integer NOT NULL REFERENCES incarnations,
        partition    integer NOT NULL,
        until_offset bigint NOT NULL,
        allowed_at   timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (incarnation, partition, until_offset)
    )
    """,
    "CREATE INDEX parked_labels_parked_at ON parked_labels (parked_at)",
)
