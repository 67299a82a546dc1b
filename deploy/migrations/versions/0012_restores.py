"""What a restored ledger was put back to: by it the check of alerts and dead letters knows those that the
former ledger had sent already."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # progress: next offset by topic id and partition. sent: where the topics that workers send to had ended,
    # by topic and partition; empty where the log was lost with the ledger.
    """
    CREATE TABLE restores (
        restore_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        restored_at   timestamptz NOT NULL DEFAULT now(),
        backup        text NOT NULL,
        taken_at      timestamptz NOT NULL,
        former_ledger uuid NOT NULL,
        progress      jsonb NOT NULL,
        sent          jsonb NOT NULL
    )
    """,
)
