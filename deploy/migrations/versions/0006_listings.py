"""Decisions listed newest first, alerts followed in the order in which they came to stand, and counts kept
as rows are written."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # In which transaction a row came: what is below the oldest one under way stands for good, whatever its
    # `decided_at`. Rows of before have none, and are followed by nobody; added apart, so that they stay as
    # they are.
    "ALTER TABLE decisions ADD COLUMN written_in xid8",
    "ALTER TABLE decisions ALTER COLUMN written_in SET DEFAULT pg_current_xact_id()",
    "CREATE INDEX decisions_newest ON decisions (decided_at)",
    # Of customers and terminals alerts alone are indexed: an index of all rows costs as much as the row.
    """
    CREATE INDEX alerts_newest ON decisions (decided_at, customer_id, terminal_id)
    WHERE decision <> 'approve'
    """,
    "CREATE INDEX alerts_written ON decisions (written_in, transaction_id) WHERE decision <> 'approve'",
    "CREATE INDEX decisions_degraded ON decisions (decided_at) WHERE degraded_reason IS NOT NULL",
    "CREATE INDEX decisions_by_rest ON decisions (decided_at) WHERE path = 'rest'",
    # writer: the session, so that no two ever wait for each other's rows. Read as sums over writers.
    """
    CREATE TABLE decision_counts (
        minute          timestamptz NOT NULL,
        writer          integer NOT NULL,
        scoring_id      integer NOT NULL,
        path            decision_path NOT NULL,
        degraded_reason text,
        approve         integer NOT NULL,
        review          integer NOT NULL,
        decline         integer NOT NULL,
        UNIQUE NULLS NOT DISTINCT (minute, writer, scoring_id, path, degraded_reason)
    ) WITH (fillfactor = 70)
    """,
    # In the transaction that writes the rows, whoever writes them: what is rolled back is not counted, and
    # what stood already is not among the new rows.
    """
    CREATE FUNCTION count_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO decision_counts AS held
            (minute, writer, scoring_id, path, degraded_reason, approve, review, decline)
        SELECT date_bin('1 minute', decided_at, 'epoch'), pg_backend_pid(), scoring_id, path,
            degraded_reason, count(*) FILTER (WHERE decision = 'approve'),
            count(*) FILTER (WHERE decision = 'review'), count(*) FILTER (WHERE decision = 'decline')
        FROM added GROUP BY 1, scoring_id, path, degraded_reason
        ON CONFLICT (minute, writer, scoring_id, path, degraded_reason) DO UPDATE SET
            approve = held.approve + excluded.approve, review = held.review + excluded.review,
            decline = held.decline + excluded.decline;
        RETURN NULL;
    END
    $$
    """,
    """
    INSERT INTO decision_counts
    SELECT date_bin('1 minute', decided_at, 'epoch'), 0, scoring_id, path, degraded_reason,
        count(*) FILTER (WHERE decision = 'approve'), count(*) FILTER (WHERE decision = 'review'),
        count(*) FILTER (WHERE decision = 'decline')
    FROM decisions GROUP BY 1, scoring_id, path, degraded_reason
    """,
    """
    CREATE TRIGGER decisions_counted AFTER INSERT ON decisions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_decisions()
    """,
)
