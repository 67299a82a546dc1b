"""What a decision rests on: reasons in its row, and the versions of policies and splits that may be in
force."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    "DROP FUNCTION settle_new_decisions",
    "DROP FUNCTION insert_decisions",
    # Ids come sorted, so that two workers with the same ids wait for each other instead of dying.
    """
    CREATE FUNCTION insert_decisions(
        the_incarnation integer, the_currency text, the_moment timestamptz,
        the_degraded_reason text, transaction_ids text[], customer_ids text[], terminal_ids text[],
        amounts bigint[], event_times timestamptz[], partitions integer[], offsets bigint[],
        verdict_numbers smallint[], scores double precision[], lates boolean[], scoring_ids integer[],
        feature_rows bytea[], attribute_texts text[], reason_texts text[]
    ) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        inserted integer;
    BEGIN
        INSERT INTO decisions (
            transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", decision,
            score, late, scoring_id, features, attributes, reasons, incarnation, currency, decided_at,
            degraded_reason, path
        )
        SELECT
            new.transaction_id, new.customer_id, new.terminal_id, new.amount_minor, new.event_time,
            new.partition, new."offset", (enum_range(NULL::verdict))[new.verdict + 1], new.score, new.late,
            new.scoring_id, new.features, new.attributes::jsonb, new.reasons::jsonb, the_incarnation,
            the_currency, the_moment, the_degraded_reason, 'stream'
        FROM unnest(
            transaction_ids, customer_ids, terminal_ids, amounts, event_times, partitions, offsets,
            verdict_numbers, scores, lates, scoring_ids, feature_rows, attribute_texts, reason_texts
        ) AS new (
            transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", verdict,
            score, late, scoring_id, features, attributes, reasons
        )
        ON CONFLICT (transaction_id) DO NOTHING;
        GET DIAGNOSTICS inserted = ROW_COUNT;
        RETURN inserted;
    END
    $$
    """,
    # What a sweep nearly always is, in one round trip: every partition where it was read, every id new.
    # Anything else leaves nothing behind: FR001, the progress is elsewhere; FR002, some ids have rows.
    """
    CREATE FUNCTION settle_new_decisions(
        step_partitions integer[], expected bigint[], reached bigint[],
        the_incarnation integer, the_currency text, the_moment timestamptz,
        the_degraded_reason text, transaction_ids text[], customer_ids text[], terminal_ids text[],
        amounts bigint[], event_times timestamptz[], partitions integer[], offsets bigint[],
        verdict_numbers smallint[], scores double precision[], lates boolean[], scoring_ids integer[],
        feature_rows bytea[], attribute_texts text[], reason_texts text[]
    ) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        affected integer;
    BEGIN
        PERFORM FROM progress AS held
        WHERE held.incarnation = the_incarnation AND held.partition = ANY (step_partitions)
        ORDER BY held.partition FOR UPDATE;
        UPDATE progress AS moved SET next_offset = step.reached
        FROM unnest(step_partitions, expected, reached) AS step (partition, expected, reached)
        WHERE moved.incarnation = the_incarnation AND moved.partition = step.partition
            AND moved.next_offset = step.expected;
        GET DIAGNOSTICS affected = ROW_COUNT;
        IF affected <> cardinality(step_partitions) THEN
            RAISE EXCEPTION 'the progress is elsewhere' USING ERRCODE = 'FR001';
        END IF;
        affected := insert_decisions(
            the_incarnation, the_currency, the_moment, the_degraded_reason, transaction_ids,
            customer_ids, terminal_ids, amounts, event_times, partitions, offsets, verdict_numbers, scores,
            lates, scoring_ids, feature_rows, attribute_texts, reason_texts
        );
        IF affected <> cardinality(transaction_ids) THEN
            RAISE EXCEPTION 'some ids have rows already' USING ERRCODE = 'FR002';
        END IF;
    END
    $$
    """,
    # Immutable versions; what was put in force last is in force.
    """
    CREATE TABLE policies (
        version    text COLLATE "C" PRIMARY KEY,
        document   jsonb NOT NULL,
        made_at    timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE ab_configs (
        version    text COLLATE "C" PRIMARY KEY,
        document   jsonb NOT NULL,
        made_at    timestamptz NOT NULL DEFAULT now()
    )
    """,
    # Who put what in force, and why: only ever added to.
    """
    CREATE TABLE audit (
        audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        happened_at timestamptz NOT NULL DEFAULT now(),
        actor      text NOT NULL,
        action     text NOT NULL,
        object     text NOT NULL,
        before     text,
        after      text NOT NULL,
        why        text NOT NULL,
        detail     jsonb NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX audit_by_action ON audit (action, object, audit_id DESC)",
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
    END
    $$
    """,
    """
    CREATE TRIGGER audit_stands BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER policies_stand BEFORE UPDATE OR DELETE OR TRUNCATE ON policies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER ab_configs_stand BEFORE UPDATE OR DELETE OR TRUNCATE ON ab_configs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)
