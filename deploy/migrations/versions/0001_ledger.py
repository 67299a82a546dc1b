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
