"""The ledger: one row per transaction, and how far each partition is settled."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


STATEMENTS = (
    # A restored ledger gets a new id, so that every view is rebuilt.
    """
    CREATE TABLE ledger (
        only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        ledger_id   uuid NOT NULL DEFAULT gen_random_uuid(),
        created_at  timestamptz NOT NULL DEFAULT now()
    )
    """,
    "INSERT INTO ledger DEFAULT VALUES",
    # A topic made again under its old name is another incarnation: its offsets start anew.
    """
    CREATE TABLE incarnations (
        incarnation integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        topic_id    text COLLATE "C" NOT NULL UNIQUE,
        topic       text NOT NULL,
        seen_at     timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE progress (
        incarnation integer NOT NULL REFERENCES incarnations,
        partition   integer NOT NULL,
        next_offset bigint NOT NULL CHECK (next_offset >= 0),
        PRIMARY KEY (incarnation, partition)
    ) WITH (fillfactor = 50)
    """,
    # Who decided: few rows, so a decision bears a number. A foreign key's check would cost as much as a row.
    """
    CREATE TABLE scorings (
        scoring_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        variant        text NOT NULL,
        model_name     text NOT NULL,
        model_version  text NOT NULL,
        policy_version text NOT NULL,
        ab_version     text NOT NULL,
        feature_names  text[] NOT NULL,
        UNIQUE (variant, model_name, model_version, policy_version, ab_version, feature_names)
    )
    """,
    "CREATE TYPE verdict AS ENUM ('approve', 'review', 'decline')",
    "CREATE TYPE decision_path AS ENUM ('stream', 'rest')",
    # The owner (incarnation, partition, offset) is empty while a decision made by REST waits for its record.
    # features: little-endian float32, in the order of the scoring's feature_names.
    """
    CREATE TABLE decisions (
        amount_minor    bigint NOT NULL CHECK (amount_minor >= 0),
        event_time      timestamptz NOT NULL,
        decided_at      timestamptz NOT NULL,
        score           double precision NOT NULL CHECK (score >= 0 AND score <= 1),
        "offset"        bigint,
        incarnation     integer,
        partition       integer,
        scoring_id      integer NOT NULL,
        decision        verdict NOT NULL,
        path            decision_path NOT NULL,
        late            boolean NOT NULL,
        transaction_id  text COLLATE "C" PRIMARY KEY,
        customer_id     text COLLATE "C" NOT NULL,
        terminal_id     text COLLATE "C" NOT NULL,
        currency        text COLLATE "C" NOT NULL,
        features        bytea NOT NULL,
        attributes      jsonb,
        reasons         jsonb,
        degraded_reason text,
        CHECK ((incarnation IS NULL) = ("offset" IS NULL) AND (incarnation IS NULL) = (partition IS NULL)),
        CHECK (incarnation IS NOT NULL OR path = 'rest')
    )
    """,
    'CREATE UNIQUE INDEX decisions_owner ON decisions (incarnation, partition, "offset")',
    # Ids come sorted, so that two workers with the same ids wait for each other instead of dying.
    """
    CREATE FUNCTION insert_decisions(
        the_incarnation integer, the_currency text, the_moment timestamptz,
        the_degraded_reason text, transaction_ids text[], customer_ids text[], terminal_ids text[],
        amounts bigint[], event_times timestamptz[], partitions integer[], offsets bigint[],
        verdict_numbers smallint[], scores double precision[], lates boolean[], scoring_ids integer[],
        feature_rows bytea[], attribute_texts text[]
    ) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
        inserted integer;
    BEGIN
        INSERT INTO decisions (
            transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", decision,
            score, late, scoring_id, features, attributes, incarnation, currency, decided_at,
            degraded_reason, path
        )
        SELECT
            new.transaction_id, new.customer_id, new.terminal_id, new.amount_minor, new.event_time,
            new.partition, new."offset", (enum_range(NULL::verdict))[new.verdict + 1], new.score, new.late,
            new.scoring_id, new.features, new.attributes::jsonb, the_incarnation, the_currency, the_moment,
            the_degraded_reason, 'stream'
        FROM unnest(
            transaction_ids, customer_ids, terminal_ids, amounts, event_times, partitions, offsets,
            verdict_numbers, scores, lates, scoring_ids, feature_rows, attribute_texts
        ) AS new (
            transaction_id, customer_id, terminal_id, amount_minor, event_time, partition, "offset", verdict,
            score, late, scoring_id, features, attributes
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
        feature_rows bytea[], attribute_texts text[]
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
            lates, scoring_ids, feature_rows, attribute_texts
        );
        IF affected <> cardinality(transaction_ids) THEN
            RAISE EXCEPTION 'some ids have rows already' USING ERRCODE = 'FR002';
        END IF;
    END
    $$
    """,
    # One immutable row per accepted version; the latest is a view.
    """
    CREATE TABLE labels (
        transaction_id text COLLATE "C" NOT NULL,
        version        integer NOT NULL,
        label_id       text COLLATE "C" NOT NULL,
        label          text NOT NULL CHECK (label IN ('fraud', 'genuine', 'unknown')),
        source         text NOT NULL CHECK (source IN ('chargeback', 'report', 'analyst', 'reversal')),
        event_time     timestamptz NOT NULL,
        recorded_at    timestamptz NOT NULL DEFAULT now(),
        delta          smallint NOT NULL CHECK (delta BETWEEN -1 AND 1),
        incarnation    integer NOT NULL,
        partition      integer NOT NULL,
        "offset"       bigint NOT NULL,
        PRIMARY KEY (transaction_id, version)
    )
    """,
    'CREATE UNIQUE INDEX labels_owner ON labels (incarnation, partition, "offset")',
    """
    CREATE VIEW latest_labels AS
    SELECT DISTINCT ON (transaction_id) * FROM labels ORDER BY transaction_id, version DESC
    """,
    """
    CREATE TABLE parked_labels (
        incarnation    integer NOT NULL,
        partition      integer NOT NULL,
        "offset"       bigint NOT NULL,
        transaction_id text COLLATE "C" NOT NULL,
        key            bytea,
        value          bytea NOT NULL,
        parked_at      timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (incarnation, partition, "offset")
    )
    """,
    "CREATE INDEX parked_labels_transaction ON parked_labels (transaction_id)",
    """
    CREATE TABLE dead_letters (
        incarnation integer NOT NULL,
        partition   integer NOT NULL,
        "offset"    bigint NOT NULL,
        reason      text NOT NULL,
        detail      text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (incarnation, partition, "offset")
    )
    """,
)
