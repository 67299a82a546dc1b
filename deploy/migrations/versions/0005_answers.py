"""Answers of the gateway: where their records are, until they are claimed."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    "CREATE INDEX decisions_unclaimed ON decisions (decided_at) WHERE incarnation IS NULL",
    """
    CREATE TABLE answer_places (
        transaction_id text COLLATE "C" PRIMARY KEY,
        topic_id       text NOT NULL,
        partition      integer NOT NULL,
        "offset"       bigint NOT NULL
    )
    """,
)
