"""Decisions that have left for the archive: their ids for good, and which month lies in which file."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # A month's file is proven before its row comes here; newest_event: of its transactions. finished_at: none
    # of them is left among the decisions.
    """
    CREATE TABLE archived_months (
        month        date PRIMARY KEY CHECK (extract(day FROM month) = 1),
        place        text NOT NULL,
        file         text NOT NULL,
        rows         bigint NOT NULL CHECK (rows > 0),
        bytes        bigint NOT NULL,
        sha256       text NOT NULL,
        newest_event timestamptz NOT NULL,
        begun_at     timestamptz NOT NULL DEFAULT now(),
        finished_at  timestamptz
    )
    """,
    # The decision whole, so that whoever asks again hears the same; of the transaction 128 bits, as a uuid is
    # 16 bytes without a head. Columns in an order without gaps between them.
    """
    CREATE TABLE archived_decisions (
        score           double precision NOT NULL,
        event_time      timestamptz NOT NULL,
        decided_at      timestamptz NOT NULL,
        body_hash       uuid NOT NULL,
        scoring_id      integer NOT NULL,
        decision        verdict NOT NULL,
        path            decision_path NOT NULL,
        late            boolean NOT NULL,
        transaction_id  text COLLATE "C" NOT NULL,
        reasons         jsonb,
        degraded_reason text
    )
    """,
    # By hash: less room than a tree, and one page to look at for each new decision. No id comes twice all the
    # same: it comes from `decisions`, where it was one, and the trigger below keeps it from there.
    "CREATE INDEX archived_ids ON archived_decisions USING hash (transaction_id)",
    # FR003: an id that was archived is not decided again, whoever inserts it and with whatever version. It
    # looks after the rows are in, and so sees what an archiving did that the insert had to wait for. With the
    # owner's rights: whoever inserts needs none on this table. A subselect is one probe of the index for each
    # row, whatever the planner believes of a table that was empty.
    """
    CREATE FUNCTION refuse_archived() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM added WHERE (
                SELECT true FROM archived_decisions AS held
                WHERE held.transaction_id = added.transaction_id
            )
        ) THEN
            RAISE EXCEPTION 'some ids are archived' USING ERRCODE = 'FR003';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER decisions_not_archived AFTER INSERT ON decisions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_archived()
    """,
)
