"""How long decisions took, and what the background check has found."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # bucket: of models/latency.py. at: the beginning of a span of so many seconds; the longer ones hold the
    # sums of the minutes. writer: the session, so that no two ever wait for each other's rows.
    """
    CREATE TABLE latency_counts (
        span_s  integer NOT NULL,
        at      timestamptz NOT NULL,
        path    decision_path NOT NULL,
        bucket  smallint NOT NULL,
        writer  integer NOT NULL,
        count   bigint NOT NULL,
        PRIMARY KEY (span_s, at, path, bucket, writer)
    ) WITH (fillfactor = 70)
    """,
    # checks: by name, how much was looked at and what was found; the first findings in words are in the log.
    """
    CREATE TABLE reconcile_rounds (
        round_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        finished_at timestamptz NOT NULL DEFAULT now(),
        took_s      double precision NOT NULL,
        findings    bigint NOT NULL,
        records     bigint NOT NULL,
        proven      bigint NOT NULL,
        checks      jsonb NOT NULL
    )
    """,
)
