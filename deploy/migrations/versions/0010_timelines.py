"""All decisions of a customer or a terminal, by time."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


# By day first, so that what is written together lies together however old the ledger is; by a hash of four
# bytes, as an id is ten times as long (docs/adr/0014). `streams.ledger.timelines` asks in the same words.
STATEMENTS = (
    """
    CREATE INDEX decisions_of_customer ON decisions
        (((event_time AT TIME ZONE 'UTC')::date), hashtext(customer_id), event_time)
    """,
    """
    CREATE INDEX decisions_of_terminal ON decisions
        (((event_time AT TIME ZONE 'UTC')::date), hashtext(terminal_id), event_time)
    """,
)
